//! Snapshots that are written anew under another host name.

use std::collections::BTreeMap;

use freezerd::repository::error::Error;
use freezerd::repository::replace::{Replaced, replace};
use freezerd::repository::snapshot::{Snapshot, read_all};
use freezerd::storage::id::Id;

use crate::interrupted::at_every_request;
use crate::support::{Restored, World, with_garbage};

fn all(world: &World) -> Vec<(Id, Snapshot)> {
    let (storage, cipher) = (&*world.repository.storage, &world.repository.cipher);
    let all = read_all(storage, cipher).unwrap().into_iter();
    all.map(|(id, snapshot)| (id, snapshot.unwrap())).collect()
}

/// Gives every snapshot the host `new`.
fn rename(world: &World) -> Result<Vec<(Id, Replaced)>, Error> {
    let change = |_: Id, old: &Snapshot| {
        let hostname = "new".to_owned();
        (old.hostname != hostname).then(|| Snapshot {
            hostname,
            ..old.clone()
        })
    };
    replace(&world.repository, &change, &|| Ok(()))
}

/// What the snapshots restore to, by the id of the first that they stem from.
fn contents(world: &World) -> BTreeMap<Id, Restored> {
    let mut contents = world.restore_all();
    let of = |(id, snapshot): (Id, Snapshot)| {
        let original = snapshot.original.unwrap_or(id);
        (original, contents.remove(&id).unwrap())
    };
    all(world).into_iter().map(of).collect()
}

#[test]
fn snapshots_that_are_replaced_keep_their_content_and_name_the_first_of_them() {
    let world = with_garbage(31);
    let (before, held) = (all(&world), contents(&world));
    let replaced = rename(&world).unwrap();
    assert_eq!(replaced.len(), before.len());
    let after = all(&world);
    assert_eq!(after.len(), before.len());
    for (old, became) in replaced {
        let Replaced::New(id) = became else {
            panic!("nothing was replaced before");
        };
        let of =
            |list: &[(Id, Snapshot)], id| list.iter().find(|(it, _)| *it == id).unwrap().1.clone();
        let new = of(&after, id);
        assert_eq!((&*new.hostname, new.original), ("new", Some(old)));
        assert_eq!(new.tree, of(&before, old).tree);
        // A parent that was replaced, too, is named by its new id.
        assert!(
            new.parent
                .is_none_or(|parent| !before.iter().any(|(it, _)| *it == parent))
        );
    }
    assert_eq!(contents(&world), held);
    assert_eq!(rename(&world).unwrap(), []);
}

#[test]
fn a_replacement_that_fails_at_any_request_loses_nothing_and_the_next_one_finishes() {
    let world = with_garbage(32);
    let (before, held) = (all(&world).len(), contents(&world));
    at_every_request(&world, &|world| drop(rename(world)), &|world| {
        assert_eq!(contents(world), held);
        rename(world).unwrap();
        assert_eq!(contents(world), held);
        let after = all(world);
        assert!(after.iter().all(|(_, it)| it.hostname == "new"));
        assert_eq!(after.len(), before, "none is there twice");
    });
}
