//! Faults of schedules. Most of them are found in `schedule/`, which uses these names.

use super::Example::{Schedule, Words};
use super::codes;

codes! {
    SEVERAL_KINDS, "several-kinds", schema: false,
        "The job has two kinds of schedule.",
        "A job runs at one date, at an interval, or by a calendar. Freezer takes the first of them and ignores the others. freezerd cannot know which one you mean.",
        Schedule(r##"{"schedule_date": "2026-06-02T16:20:00", "schedule_interval": "1 day"}"##, r##"{"schedule_interval": "1 day"}"##);
    NOT_A_DATE, "not-a-date", schema: false,
        "The text is not a date and time.",
        "Dates have the form of ISO 8601: `2026-06-02T16:20:00`. `Z` or an offset such as `+02:00` may follow. Without one, the job's time zone applies.",
        Schedule(r##"{"schedule_date": "tomorrow"}"##, r##"{"schedule_date": "2026-06-02T16:20:00"}"##);
    NO_SUCH_DAY, "no-such-day", schema: false,
        "The month has no such day.",
        "Months have 28 to 31 day, and February has 29 only in leap years.",
        Schedule(r##"{"schedule_date": "2026-02-30T16:20:00"}"##, r##"{"schedule_date": "2026-02-28T16:20:00"}"##);
    BAD_OFFSET, "bad-offset", schema: false,
        "The offset from UTC does not have the form of ISO 8601.",
        "Write hours and minutes with a colon between them, as `+02:00`.",
        Schedule(r##"{"schedule_date": "2026-06-02T16:20:00+0200"}"##, r##"{"schedule_date": "2026-06-02T16:20:00+02:00"}"##);
    UNUSABLE_TIME, "unusable-time", schema: false,
        "The time cannot be used.",
        "These hours, minutes and seconds do not make a time of day.",
        Words("a schedule whose hours, minutes and seconds do not make a time", "other hours, minutes or seconds");
    TRAILING_TEXT, "trailing-text", schema: false,
        "There is text after the value.",
        "The value ends here. The text after it has no meaning, so the value is refused.",
        Schedule(r##"{"schedule_hour": "3h"}"##, r##"{"schedule_hour": "3"}"##);
    END_BEFORE_START, "end-before-start", schema: false,
        "The end comes before the start.",
        "No run would ever be due. Freezer ignores the end date in this case.",
        Schedule(r##"{"schedule_interval": "1 day", "schedule_start_date": "2026-06-02", "schedule_end_date": "2026-06-01"}"##, r##"{"schedule_interval": "1 day", "schedule_start_date": "2026-06-01", "schedule_end_date": "2026-06-02"}"##);
    UNKNOWN_ZONE, "unknown-zone", schema: false,
        "There is no time zone with this name.",
        "Zones have the names of the IANA database, as `Europe/Berlin`. Abbreviations such as `CEST` are not names of zones: several zones use the same one.",
        Schedule(r##"{"schedule_hour": "3", "schedule_timezone": "Berlin"}"##, r##"{"schedule_hour": "3", "schedule_timezone": "Europe/Berlin"}"##);
    INVERTED_ZONE, "inverted-zone", schema: false,
        "The sign of the time zone is the other way round.",
        "The zones `Etc/GMT+N` are behind Greenwich, and `Etc/GMT-N` ahead of it: `Etc/GMT-2` is what people call GMT+2.",
        Schedule(r##"{"schedule_hour": "3", "schedule_timezone": "Etc/GMT+2"}"##, r##"{"schedule_hour": "3", "schedule_timezone": "Europe/Berlin"}"##);
    NUMBERED_WEEKDAYS, "numbered-weekdays", schema: false,
        "Weekdays are given by number.",
        "Here, 0 is Monday, as in Freezer. For cron, 0 is Sunday, so `1-5` is Tuesday to Saturday here and Monday to Friday there, and `*/2` begins on Monday here. Names mean the same everywhere.",
        Schedule(r##"{"schedule_day_of_week": "1-5", "schedule_hour": "3"}"##, r##"{"schedule_day_of_week": "mon-fri", "schedule_hour": "3"}"##);
    UNKNOWN_POLICY, "unknown-policy", schema: false,
        "There is no such catch-up policy.",
        "With `once`, one run makes up for all missed runs. With `skip`, none does. With a span such as `6 hours`, one run does if the newest missed run is not older than that.",
        Schedule(r##"{"schedule_hour": "3", "schedule_catch_up": "sometimes"}"##, r##"{"schedule_hour": "3", "schedule_catch_up": "once"}"##);
    ZERO_SPAN, "zero-span", schema: false,
        "The span is 0.",
        "A missed run is always later than that. To skip missed runs, write `skip`.",
        Schedule(r##"{"schedule_hour": "3", "schedule_catch_up": "0 hours"}"##, r##"{"schedule_hour": "3", "schedule_catch_up": "skip"}"##);
    ZERO_INTERVAL, "zero-interval", schema: false,
        "An interval of 0 has no next run.",
        "To start again as soon as a run has ended, write `continuous`.",
        Schedule(r##"{"schedule_interval": "0 days"}"##, r##"{"schedule_interval": "continuous"}"##);
    NOT_A_SPAN, "not-a-span", schema: false,
        "The text is not a span of time.",
        "A span is a number, a blank and a unit: `30 minutes`. An interval may also be `continuous`.",
        Schedule(r##"{"schedule_interval": "hourly"}"##, r##"{"schedule_interval": "1 hour"}"##);
    MISSING_UNIT, "missing-unit", schema: false,
        "The span has no unit.",
        "A number alone could be seconds, minutes or days. Write the unit.",
        Schedule(r##"{"schedule_interval": "5"}"##, r##"{"schedule_interval": "5 minutes"}"##);
    UNKNOWN_UNIT, "unknown-unit", schema: false,
        "There is no such unit of time.",
        "Units are weeks, days, hours, minutes and seconds. Months and years differ in length: use the calendar fields for them.",
        Schedule(r##"{"schedule_interval": "5 months"}"##, r##"{"schedule_day": "1", "schedule_month": "*/5"}"##);
    MISSING_BLANK, "missing-blank", schema: false,
        "The blank between number and unit is missing.",
        "A span is a number, a blank and a unit.",
        Schedule(r##"{"schedule_interval": "5days"}"##, r##"{"schedule_interval": "5 days"}"##);
    OUTER_BLANK, "outer-blank", schema: false,
        "There are blanks around the value.",
        "They are probably an accident.",
        Schedule(r##"{"schedule_interval": " 5 days"}"##, r##"{"schedule_interval": "5 days"}"##);
    NOT_WHOLE, "not-whole", schema: false,
        "The number is not whole.",
        "Use a smaller unit: 36 hours are one and a half days.",
        Schedule(r##"{"schedule_interval": "1.5 days"}"##, r##"{"schedule_interval": "36 hours"}"##);
    PLUS_SIGN, "plus-sign", schema: false,
        "The number has a plus sign.",
        "Write it without the sign.",
        Schedule(r##"{"schedule_interval": "+5 minutes"}"##, r##"{"schedule_interval": "5 minutes"}"##);
    NEGATIVE_NUMBER, "negative-number", schema: false,
        "The number is negative.",
        "Spans and calendar fields start at zero.",
        Schedule(r##"{"schedule_interval": "-5 days"}"##, r##"{"schedule_interval": "5 days"}"##);
    TOO_LONG, "too-long", schema: false,
        "The span is longer than a thousand years.",
        "The number probably has a digit too many.",
        Schedule(r##"{"schedule_interval": "60000 weeks"}"##, r##"{"schedule_interval": "6 weeks"}"##);
    NON_ASCII_DIGIT, "non-ascii-digit", schema: false,
        "A digit is not one of 0 to 9.",
        "Other scripts and full-width forms have digits that look similar.",
        Schedule(r##"{"schedule_hour": "３"}"##, r##"{"schedule_hour": "3"}"##);
    NOT_A_NUMBER, "not-a-number", schema: false,
        "The value is not a number.",
        "This field takes numbers, lists and ranges of them.",
        Schedule(r##"{"schedule_hour": "true"}"##, r##"{"schedule_hour": "3"}"##);
    NOT_UNDERSTOOD, "not-understood", schema: false,
        "The item is not understood.",
        "An item of a calendar field is `*`, a value, a range `a-b`, or one of these with a step, as `*/15`.",
        Schedule(r##"{"schedule_hour": "noon"}"##, r##"{"schedule_hour": "12"}"##);
    EMPTY_ITEM, "empty-item", schema: false,
        "An item of the list is empty.",
        "There is one comma too many.",
        Schedule(r##"{"schedule_hour": "1,,2"}"##, r##"{"schedule_hour": "1,2"}"##);
    BLANK_IN_ITEM, "blank-in-item", schema: false,
        "There is a blank inside an item.",
        "In a list, blanks are allowed only around the commas.",
        Schedule(r##"{"schedule_hour": "1 - 5"}"##, r##"{"schedule_hour": "1-5"}"##);
    WRONG_SEPARATOR, "wrong-separator", schema: false,
        "The items are not separated by commas.",
        "Separate the items of a list with commas only.",
        Schedule(r##"{"schedule_minute": "5;10"}"##, r##"{"schedule_minute": "5,10"}"##);
    FOREIGN_DASH, "foreign-dash", schema: false,
        "The range has another sign than a plain `-`.",
        "Word processors turn hyphens into longer dashes, and systemd writes `mon..fri`.",
        Schedule(r##"{"schedule_hour": "1–5"}"##, r##"{"schedule_hour": "1-5"}"##);
    BACKWARD_RANGE, "backward-range", schema: false,
        "The range runs backward.",
        "A range does not continue past the end of the day, the week or the year: write two ranges.",
        Schedule(r##"{"schedule_hour": "22-3"}"##, r##"{"schedule_hour": "22-23,0-3"}"##);
    OPEN_RANGE, "open-range", schema: false,
        "The range has no end.",
        "A range has a first and a last value.",
        Schedule(r##"{"schedule_minute": "5-"}"##, r##"{"schedule_minute": "5-59"}"##);
    MIXED_RANGE, "mixed-range", schema: false,
        "The range mixes a name and a number.",
        "Write both ends in the same way.",
        Schedule(r##"{"schedule_month": "jan-3"}"##, r##"{"schedule_month": "jan-mar"}"##);
    TOO_MANY_SIGNS, "too-many-signs", schema: false,
        "The item has more than one range or step.",
        "An item is one range, with one step at most.",
        Schedule(r##"{"schedule_hour": "1-2-3"}"##, r##"{"schedule_hour": "1-3"}"##);
    WIDE_STEP, "wide-step", schema: false,
        "The step is wider than the range.",
        "Only the first value would ever match.",
        Schedule(r##"{"schedule_hour": "*/24"}"##, r##"{"schedule_hour": "0"}"##);
    ZERO_STEP, "zero-step", schema: false,
        "The step is 0.",
        "A step of 0 never reaches the next value.",
        Schedule(r##"{"schedule_hour": "*/0"}"##, r##"{"schedule_hour": "*/2"}"##);
    MISSING_STEP, "missing-step", schema: false,
        "The step after `/` is missing.",
        "Write a number after the `/`.",
        Schedule(r##"{"schedule_minute": "*/"}"##, r##"{"schedule_minute": "*/5"}"##);
    MISSING_RANGE, "missing-range", schema: false,
        "There is nothing before the `/`.",
        "A step needs a range before it. `*` is the whole range of the field.",
        Schedule(r##"{"schedule_minute": "/5"}"##, r##"{"schedule_minute": "*/5"}"##);
    NAMED_STEP, "named-step", schema: false,
        "Names take no step.",
        "Write numbers, or a list of names.",
        Schedule(r##"{"schedule_day_of_week": "mon-fri/2"}"##, r##"{"schedule_day_of_week": "0-4/2"}"##);
    LONG_NAME, "long-name", schema: false,
        "The name is written out.",
        "Names of months and weekdays have three letters.",
        Schedule(r##"{"schedule_day_of_week": "monday"}"##, r##"{"schedule_day_of_week": "mon"}"##);
    UNKNOWN_NAME, "unknown-name", schema: false,
        "There is no such name.",
        "Weekdays are mon to sun; a month's last day is `last`.",
        Schedule(r##"{"schedule_day": "2nd fry"}"##, r##"{"schedule_day": "2nd fri"}"##);
    MISPLACED_NAME, "misplaced-name", schema: false,
        "The field does not take names of this kind.",
        "Weekdays belong in `schedule_day_of_week` or `schedule_day`, months in `schedule_month`.",
        Schedule(r##"{"schedule_hour": "mon"}"##, r##"{"schedule_day_of_week": "mon"}"##);
    MISPLACED_ORDINAL, "misplaced-ordinal", schema: false,
        "A place in the month belongs in `schedule_day`.",
        "`2nd fri` and `last` are days of a month.",
        Schedule(r##"{"schedule_day_of_week": "2nd fri"}"##, r##"{"schedule_day": "2nd fri"}"##);
    BAD_ORDINAL, "bad-ordinal", schema: false,
        "There is no such place in a month.",
        "The places are 1st to 5th, and last.",
        Schedule(r##"{"schedule_day": "first mon"}"##, r##"{"schedule_day": "1st mon"}"##);
    LONE_ORDINAL, "lone-ordinal", schema: false,
        "A place in the month has no weekday.",
        "Write the number of the day without letters, or add the weekday.",
        Schedule(r##"{"schedule_day": "15th"}"##, r##"{"schedule_day": "15"}"##);
    ORDINAL_NUMBER, "ordinal-number", schema: false,
        "A place in the month takes a weekday's name.",
        "A number after the place could be read as a day of the month.",
        Schedule(r##"{"schedule_day": "2nd 4"}"##, r##"{"schedule_day": "2nd fri"}"##);
    ORDINAL_RANGE, "ordinal-range", schema: false,
        "A place in the month takes one weekday.",
        "Write one item for each weekday.",
        Schedule(r##"{"schedule_day": "1st mon-fri"}"##, r##"{"schedule_day": "1st mon, 1st tue"}"##);
    QUESTION_MARK, "question-mark", schema: false,
        "`?` has no meaning here.",
        "In Quartz it stands for any value. Leave the key out, or write `*`.",
        Schedule(r##"{"schedule_hour": "?"}"##, r##"{"schedule_hour": "*"}"##);
    LETTER_L, "letter-l", schema: false,
        "`L` does not mean the last one here.",
        "It is a form of Quartz. In `schedule_day`, `last` is the month's last day.",
        Schedule(r##"{"schedule_day": "L"}"##, r##"{"schedule_day": "last"}"##);
    NEAREST_WEEKDAY, "nearest-weekday", schema: false,
        "`W` does not pick the nearest working day.",
        "It is a form of Quartz. freezerd has no such form.",
        Schedule(r##"{"schedule_day": "15W"}"##, r##"{"schedule_day": "15"}"##);
    HASH_FORM, "hash-form", schema: false,
        "`#` does not pick a weekday of the month.",
        "It is a form of Quartz. In `schedule_day`, `2nd fri` is the second Friday.",
        Schedule(r##"{"schedule_day_of_week": "fri#2"}"##, r##"{"schedule_day": "2nd fri"}"##);
    CRON_NICKNAME, "cron-nickname", schema: false,
        "Nicknames such as `@daily` are known only to cron.",
        "Give each field its own value.",
        Schedule(r##"{"schedule_hour": "@daily"}"##, r##"{"schedule_hour": "0"}"##);
    DATE_PAST, "date-past", schema: false,
        "The date is in the past.",
        "If the date is more than an hour in the past when the file is first seen, the job does not run. Its status is `stop`.",
        Words("a `schedule_date` of last year", "a date in the future, or `freezerd trigger JOB`");
    NEVER_FIRES, "never-fires", schema: false,
        "The schedule never fires.",
        "There is no such day, as February 30, or there is none between the start and the end.",
        Words("`schedule_month` 2 and `schedule_day` 30", "a day that exists");
    INTERVAL_TOO_SHORT, "interval-too-short", schema: false,
        "The last runs took longer than the interval.",
        "A firing that is due while the job still runs is skipped, so the job runs less often than its schedule says.",
        Words("every 10 minutes, for a backup that takes 15", "an interval that is longer than a run");
    SCHEDULE_OVER, "schedule-over", schema: false,
        "The schedule does not fire any more.",
        "Its last instant is in the past. If you do not need the job any more, remove its file.",
        Words("a `schedule_end_date` of last year", "a later one, or none");
}
