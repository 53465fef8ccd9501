//! Faults of a file as JSON.

use super::Example::{File, Words};
use super::codes;

codes! {
    EMPTY_FILE, "empty-file", schema: false,
        "The file holds nothing.",
        "An empty file is often one whose writing has only begun, or one that a full disk left behind. A job needs at \
         least its actions.",
        File("", r#"{"job_actions": []}"#);
    FILE_TOO_LARGE, "file-too-large", schema: false,
        "The file is larger than 1 MiB.",
        "A job takes a few hundred bytes. A larger file is most likely another file that was put into the jobs \
         directory by accident, so it is not read at all.",
        Words("a file of 1,048,577 bytes in the jobs directory", "split the job, or move the file elsewhere");
    NOT_UTF8, "not-utf8", schema: false,
        "The file is not UTF-8.",
        "JSON is UTF-8. A file in Latin-1 or UTF-16 has other bytes for the same letters, and paths written in it \
         would name other files.",
        Words("a file with the byte 0xFC for ü", "iconv -f ISO-8859-1 -t UTF-8 old.json > new.json");
    BYTE_ORDER_MARK, "byte-order-mark", schema: false,
        "The file begins with a byte order mark.",
        "Some editors begin UTF-8 files with three invisible bytes. They are skipped here, but other programs that \
         read the file stumble over them.",
        File("\u{feff}{\"job_actions\": []}", r#"{"job_actions": []}"#);
    NUL_BYTES, "nul-bytes", schema: false,
        "There are NUL bytes in the file.",
        "A crash shortly after a file was written can leave it with its size but without its content: NUL bytes. \
         UTF-16 also looks like this. Write the file again.",
        File("\0\0\0\0", r#"{"job_actions": []}"#);
    TOO_DEEP, "too-deep", schema: false,
        "Brackets are nested too deep.",
        "A job needs six levels of brackets at most; 127 are read. Deeper nesting is no job, and is not read further.",
        Words("10,000 opening brackets", "a job");
    TOO_MANY_FAULTS, "too-many-faults", schema: false,
        "There are too many faults to tell them all.",
        "After 40 faults of syntax, or 100 messages in all, the rest is left out. Mend the first ones: the later ones \
         are often only their consequence.",
        Words("a file of another kind in the jobs directory", "move it elsewhere");
    MISSING_OUTER_BRACES, "missing-outer-braces", schema: false,
        "The braces around the whole file are missing.",
        "Freezer's documentation shows jobs as `\"job\": {…}`. That is a member of an object; a file needs the object \
         around it.",
        File(r#""job": {"job_actions": []}"#, r#"{"job": {"job_actions": []}}"#);
    MISSING_COMMA, "missing-comma", schema: false,
        "The comma between two members or values is missing.",
        "JSON separates members by commas. The caret stands where the comma belongs, which is at the end of the member \
         before and not where the next one begins.",
        File("{\n  \"job_actions\": []\n  \"description\": \"nightly\"\n}", "{\n  \"job_actions\": [],\n  \"description\": \"nightly\"\n}");
    TRAILING_COMMA, "trailing-comma", schema: false,
        "There is a comma after the last member.",
        "JSON wants commas between members, and none after the last one. It is easily left behind when the last line \
         of a list is removed.",
        File("{\n  \"job_actions\": [],\n}", "{\n  \"job_actions\": []\n}");
    EXTRA_COMMA, "extra-comma", schema: false,
        "There is a comma with nothing before it.",
        "Each comma stands between two members. This one has none before it.",
        File(r#"{"job_actions": [],, "description": "nightly"}"#, r#"{"job_actions": [], "description": "nightly"}"#);
    MISSING_COLON, "missing-colon", schema: false,
        "The colon between a key and its value is missing.",
        "A member is a key in quotes, a colon, and a value.",
        File(r#"{"job_actions" []}"#, r#"{"job_actions": []}"#);
    MISSING_VALUE, "missing-value", schema: false,
        "A key has no value.",
        "A member is a key in quotes, a colon, and a value. To leave a key unset, give it `null` or remove it.",
        File(r#"{"job_actions": [], "client_id": }"#, r#"{"job_actions": [], "client_id": null}"#);
    MISSING_KEY_NAME, "missing-key-name", schema: false,
        "A value stands in an object without a key.",
        "In an object every value has a key; only in a list do values stand alone.",
        File(r#"{"job_actions": [], {"schedule_interval": "1 days"}}"#, r#"{"job_actions": [], "job_schedule": {"schedule_interval": "1 days"}}"#);
    MISSING_CLOSING, "missing-closing", schema: false,
        "A closing bracket is missing.",
        "Another bracket is closed here while this one is still open. The help line says where it was opened.",
        File(r#"{"job_actions": [{"x-remark": {}]}"#, r#"{"job_actions": []}"#);
    STRAY_BRACKET, "stray-bracket", schema: false,
        "A closing bracket closes nothing.",
        "There are more closing brackets than opening ones. Often one was closed too early, some lines above.",
        File(r#"{"job_actions": []}}"#, r#"{"job_actions": []}"#);
    UNEXPECTED_END, "unexpected-end", schema: false,
        "The file ends before the job does.",
        "Brackets or a quote are still open where the file ends. If more than a bracket is missing, the file was cut \
         off: it may still be being written, or the disk was full.",
        File("{\n  \"job_actions\": [\n", "{\n  \"job_actions\": []\n}");
    TEXT_AFTER_END, "text-after-end", schema: false,
        "There is something after the end of the job.",
        "The outermost bracket is closed, and more follows. Either it was closed too early, or there are two \
         documents in one file.",
        File(r#"{"job_actions": []} {"job_actions": []}"#, r#"{"job_actions": []}"#);
    UNEXPECTED_TEXT, "unexpected-text", schema: false,
        "There is something that does not belong here.",
        "After a value comes a comma or a closing bracket. A unit such as `days` belongs inside of the quotes.",
        File(r#"{"job_actions": [], "description": "nightly" run}"#, r#"{"job_actions": [], "description": "nightly run"}"#);
    ELLIPSIS, "ellipsis", schema: false,
        "There are dots where something was left out.",
        "Documentation shortens its examples with `...`. A file has to say everything.",
        File(r#"{"job_actions": [ ... ]}"#, r#"{"job_actions": []}"#);
    COMMENT, "comment", schema: false,
        "JSON has no comments.",
        "Neither `//` nor `#` nor `/* */`. Use `description`, or a key of your own that begins with `x-` or `_`: such \
         keys are ignored.",
        File("{\n  // every night\n  \"job_actions\": []\n}", "{\n  \"x-remark\": \"every night\",\n  \"job_actions\": []\n}");
    UNTERMINATED_TEXT, "unterminated-text", schema: false,
        "The quote at the end of a text is missing.",
        "A text begins and ends with a double quote, in one line.",
        File("{\n  \"description\": \"nightly,\n  \"job_actions\": []\n}", "{\n  \"description\": \"nightly\",\n  \"job_actions\": []\n}");
    LINE_BREAK_IN_TEXT, "line-break-in-text", schema: false,
        "A text goes over the end of its line.",
        "A text of JSON stands in one line. A line break inside of it is written `\\n`.",
        File("{\"description\": \"every\nnight\", \"job_actions\": []}", r#"{"description": "every\nnight", "job_actions": []}"#);
    CONTROL_CHARACTER, "control-character", schema: false,
        "A control character stands in a text as it is.",
        "JSON wants control characters escaped, a tab as `\\t`. In a path such a character is most likely an accident.",
        File("{\"description\": \"every\tnight\", \"job_actions\": []}", r#"{"description": "every night", "job_actions": []}"#);
    BAD_ESCAPE, "bad-escape", schema: false,
        "A backslash is followed by something that JSON does not know.",
        "After a backslash may come `\" \\ / b f n r t`, or `u` and four hexadecimal digits. A backslash itself is \
         written twice.",
        File(r#"{"description": "50\% done", "job_actions": []}"#, r#"{"description": "50% done", "job_actions": []}"#);
    BAD_NUMBER, "bad-number", schema: false,
        "A number is not written as JSON has it.",
        "No leading zeros, no plus sign, digits on both sides of the point. Anything else goes in quotes: the numbers \
         of a job file may be texts.",
        File(r#"{"job_actions": [], "job_schedule": {"schedule_hour": 03}}"#, r#"{"job_actions": [], "job_schedule": {"schedule_hour": "03"}}"#);
    BARE_WORD, "bare-word", schema: false,
        "A word stands without quotes.",
        "Only `true`, `false` and `null` do, in small letters. Words such as `int` or `secs` stand for a value in \
         documentation: put the value there.",
        File(r#"{"job_actions": [], "x-tested": True}"#, r#"{"job_actions": [], "x-tested": true}"#);
    UNQUOTED_KEY, "unquoted-key", schema: false,
        "A key stands without quotes.",
        "In JSON every key has double quotes.",
        File(r#"{job_actions: []}"#, r#"{"job_actions": []}"#);
    OTHER_QUOTES, "other-quotes", schema: false,
        "A text has other quotes than JSON's.",
        "Texts have plain double quotes. Single ones are Python's or YAML's; curved ones come from word processors \
         and web pages.",
        File(r#"{'job_actions': []}"#, r#"{"job_actions": []}"#);
    ODD_BLANK, "odd-blank", schema: false,
        "A character looks like a blank and is none.",
        "Text that is copied from a web page may hold no-break spaces or invisible characters, which JSON does not \
         take for blanks.",
        File("{\u{a0}\"job_actions\": []}", r#"{"job_actions": []}"#);
}
