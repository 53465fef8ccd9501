//! Which limit holds on the way to a container: that of the action, else that of the storage, else that of the settings.

use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;

use crate::agent::report::log;
use crate::job::action::{Bandwidth, Container};
use crate::job::rate_limit::RateLimit;
use crate::job::storage::Connection;
use crate::schedule::zone::Zone;
use crate::storage::limit::{Direction, Limits, Pace, Throttle};
use crate::units;

/// The limits of one action or command. Everything that it opens shares them.
pub(super) struct Rates {
    /// Those of the action or the command itself, which hold for every container.
    own: Bandwidth,
    /// Those of the settings, which hold for containers that are not on this host.
    general: Bandwidth,
    zone: Zone,
    /// Whether the log names the limits.
    is_told: bool,
    moved: Arc<dyn Fn(Direction, u64) + Send + Sync>,
    /// The limits in use. Containers with the same one share it.
    throttles: Mutex<Vec<(Source, Direction, Throttle)>>,
}

/// Who says what the limit is.
#[derive(Clone, PartialEq)]
enum Source {
    Own,
    /// The storage that is reached like this.
    Storage(Box<Connection>),
    Settings,
}

impl Rates {
    /// The limits; `moved` is called each time that some bytes have passed: where to, and how many of them went over a
    /// line.
    pub fn new(
        own: Bandwidth,
        general: Bandwidth,
        zone: Zone,
        moved: impl Fn(Direction, u64) + Send + Sync + 'static,
    ) -> Rates {
        Rates {
            own,
            general,
            zone,
            is_told: false,
            moved: Arc::new(moved),
            throttles: Mutex::default(),
        }
    }

    /// The same limits, which the log names when they are used first, and when a rate changes.
    pub fn told(self) -> Rates {
        Rates {
            is_told: true,
            ..self
        }
    }

    /// The limits on the way to a container, which count what passes; `None`: it is on this host, and there are no limits.
    pub fn pace(&self, container: &Container) -> Option<Arc<Pace>> {
        let (upload, download) = (
            self.throttle(container, Direction::Up),
            self.throttle(container, Direction::Down),
        );
        let is_far = container.location.local().is_none();
        if !is_far && upload.is_none() && download.is_none() {
            return None;
        }
        let moved = Arc::clone(&self.moved);
        let limits = Limits { upload, download };
        Some(Arc::new(Pace::new(limits, move |direction, bytes| {
            moved(direction, if is_far { bytes } else { 0 });
        })))
    }

    fn throttle(&self, container: &Container, direction: Direction) -> Option<Throttle> {
        let (source, limit) = self.chosen(container, direction)?;
        if limit.is_unlimited() {
            return None;
        }
        let mut throttles = self
            .throttles
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut known = throttles.iter();
        if let Some((.., known)) = known.find(|it| it.0 == source && it.1 == direction) {
            return Some(known.clone());
        }
        let throttle = self.start(limit, &source, direction);
        throttles.push((source, direction, throttle.clone()));
        Some(throttle)
    }

    /// The limit that holds, and who says it.
    fn chosen<'a>(
        &'a self,
        container: &'a Container,
        direction: Direction,
    ) -> Option<(Source, &'a RateLimit)> {
        let of = |bandwidth: &'a Bandwidth| match direction {
            Direction::Up => bandwidth.upload.as_ref(),
            Direction::Down => bandwidth.download.as_ref(),
        };
        if let Some(limit) = of(&self.own) {
            return Some((Source::Own, limit));
        }
        let connection = &container.connection;
        if let Some(limit) = of(&connection.bandwidth) {
            return Some((Source::Storage(Box::new(connection.clone())), limit));
        }
        match container.location.local() {
            Some(_) => None,
            None => Some((Source::Settings, of(&self.general)?)),
        }
    }

    fn start(&self, limit: &RateLimit, source: &Source, direction: Direction) -> Throttle {
        let first = limit.at(Utc::now(), &self.zone);
        if self.is_told {
            log(&begins(limit, first, source, direction));
        }
        let (limit, zone, is_told) = (limit.clone(), self.zone.clone(), self.is_told);
        let last = Mutex::new(first);
        Throttle::new(move || {
            let rate = limit.at(Utc::now(), &zone);
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if *last != rate {
                *last = rate;
                if is_told {
                    log(&format!("from now on {}", said(rate, direction)));
                }
            }
            rate
        })
    }
}

fn begins(
    limit: &RateLimit,
    now: Option<NonZeroU64>,
    source: &Source,
    direction: Direction,
) -> String {
    let whose = match source {
        Source::Own => "",
        Source::Storage(_) => " (the limit of the storage)",
        Source::Settings => " (the limit of the settings)",
    };
    let said = said(now, direction);
    match limit.has_times() {
        true => format!("{said} now{whose}: {}", limit.in_words()),
        false => format!("{said}{whose}"),
    }
}

fn said(rate: Option<NonZeroU64>, direction: Direction) -> String {
    let way = match direction {
        Direction::Up => "to",
        Direction::Down => "from",
    };
    match rate {
        Some(rate) => format!(
            "at most {}/s {way} the container",
            units::memory(rate.get())
        ),
        None => format!("no limit on what goes {way} the container"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::job::storage::{NamedStorage, Value};
    use crate::location::Location;
    use crate::storage::FileKind;

    fn limit(text: &str) -> Option<RateLimit> {
        Some(RateLimit::parse(text).unwrap())
    }

    fn upload(text: &str) -> Bandwidth {
        Bandwidth {
            upload: limit(text),
            download: None,
        }
    }

    fn rates(own: Bandwidth, general: Bandwidth) -> Rates {
        Rates::new(own, general, Zone::utc(), |_, _| ())
    }

    /// A container in a storage with these keys.
    fn far(keys: &[(&str, &str)]) -> Container {
        let always = [("kind", "rest"), ("endpoint", "https://backup.example/")];
        let keys = always.iter().chain(keys);
        let keys = keys.map(|(key, value)| ((*key).to_owned(), Value::Text((*value).to_owned())));
        let storage = NamedStorage::read(keys.collect()).unwrap();
        Container {
            name: "www".to_owned(),
            location: storage.place.container("www").unwrap(),
            pass_file: None,
            connection: storage.connection,
        }
    }

    fn local() -> Container {
        Container {
            name: "/srv/backup".to_owned(),
            location: Location::Local(Path::new("/srv/backup").to_owned()),
            pass_file: None,
            connection: Connection::default(),
        }
    }

    /// What holds on the way up, as text.
    fn chosen(rates: &Rates, container: &Container) -> Option<String> {
        let (_, limit) = rates.chosen(container, Direction::Up)?;
        Some(limit.to_string())
    }

    fn is_limited(rates: &Rates, container: &Container) -> bool {
        rates
            .pace(container)
            .is_some_and(|pace| pace.limits(Direction::Up))
    }

    #[test]
    fn only_what_goes_to_a_container_away_from_this_host_goes_over_a_line() {
        let passed = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&passed);
        let rates = Rates::new(upload("off"), upload("1M"), Zone::utc(), move |_, bytes| {
            counter.fetch_add(bytes, Ordering::Relaxed);
        });
        let pace = rates.pace(&far(&[])).unwrap();
        pace.pass(Direction::Up, FileKind::Pack, 300);
        pace.pass(Direction::Down, FileKind::Pack, 20);
        assert_eq!(passed.load(Ordering::Relaxed), 320);
        let limited = Rates {
            own: upload("1M"),
            ..rates
        };
        let pace = limited.pace(&local()).unwrap();
        pace.pass(Direction::Up, FileKind::Pack, 300);
        assert_eq!(passed.load(Ordering::Relaxed), 320);
    }

    #[test]
    fn the_action_comes_before_the_storage_which_comes_before_the_settings() {
        let storage = far(&[("upload_limit", "2M")]);
        let plain = far(&[]);
        let all = rates(upload("1M"), upload("3M"));
        assert_eq!(chosen(&all, &storage).as_deref(), Some("1M"));
        let without = rates(Bandwidth::default(), upload("3M"));
        assert_eq!(chosen(&without, &storage).as_deref(), Some("2M"));
        assert_eq!(chosen(&without, &plain).as_deref(), Some("3M"));
        let none = rates(Bandwidth::default(), Bandwidth::default());
        assert_eq!(chosen(&none, &plain), None);
        assert!(!is_limited(&none, &plain));
        assert!(is_limited(&none, &storage));
    }

    #[test]
    fn no_limit_overrides_a_limit_of_the_storage_and_of_the_settings() {
        let off = rates(upload("off"), upload("3M"));
        assert!(!is_limited(&off, &far(&[("upload_limit", "2M")])));
        let general = rates(Bandwidth::default(), upload("3M"));
        assert!(!is_limited(&general, &far(&[("upload_limit", "off")])));
        assert!(is_limited(&general, &far(&[])));
    }

    #[test]
    fn the_settings_do_not_limit_a_container_on_this_host_and_the_action_does() {
        let general = rates(Bandwidth::default(), upload("3M"));
        assert!(!is_limited(&general, &local()));
        let own = rates(upload("1M"), Bandwidth::default());
        assert!(is_limited(&own, &local()));
    }

    #[test]
    fn containers_with_the_same_limit_share_it() {
        let rates = rates(upload("1M"), Bandwidth::default());
        rates.pace(&local());
        rates.pace(&far(&[]));
        assert_eq!(rates.throttles.lock().unwrap().len(), 1);
    }

    #[test]
    fn the_log_names_the_rate_of_now_and_the_windows() {
        let windows = limit("mon-fri 08:00-18:00 2M, 20M").unwrap();
        let now = NonZeroU64::new(2 << 20);
        assert_eq!(
            begins(&windows, now, &Source::Settings, Direction::Up),
            "at most 2 MiB/s to the container now (the limit of the settings): 2 MiB/s on mon-fri from 08:00 to 18:00, else \
             20 MiB/s"
        );
        let fixed = RateLimit::always(now);
        assert_eq!(
            begins(&fixed, now, &Source::Own, Direction::Down),
            "at most 2 MiB/s from the container"
        );
        assert_eq!(
            said(None, Direction::Up),
            "no limit on what goes to the container"
        );
    }
}
