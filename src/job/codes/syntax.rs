//! Faults of a file's JSON.

use super::Example::{File, Words};
use super::codes;

codes! {
    EMPTY_FILE, "empty-file", schema: false,
        "The file is empty.",
        "Often another program has just begun to write the file, or the disk was full. A job needs at least its actions.",
        File("", r#"{"job_actions": []}"#);
    FILE_TOO_LARGE, "file-too-large", schema: false,
        "The file is larger than 1 MiB.",
        "A job takes a few hundred bytes. A larger file is probably in the jobs directory by accident, so it is not \
         read.",
        Words("a file of 1,048,577 bytes in the jobs directory", "split the job, or move the file elsewhere");
    NOT_UTF8, "not-utf8", schema: false,
        "The file is not UTF-8.",
        "JSON is UTF-8. A file in Latin-1 or UTF-16 has other bytes for the same letters, so its paths would name other \
         files.",
        Words("a file with the byte 0xFC for ü", "iconv -f ISO-8859-1 -t UTF-8 old.json > new.json");
    BYTE_ORDER_MARK, "byte-order-mark", schema: false,
        "The file begins with a byte order mark.",
        "Some editors write three invisible bytes at the start of a UTF-8 file. freezerd skips them, but other programs may \
         refuse the file.",
        File("\u{feff}{\"job_actions\": []}", r#"{"job_actions": []}"#);
    NUL_BYTES, "nul-bytes", schema: false,
        "There are NUL bytes in the file.",
        "After a crash, a file that was just written can have NUL bytes instead of its content. A file in UTF-16 has NUL \
         bytes too. Write the file again.",
        File("\0\0\0\0", r#"{"job_actions": []}"#);
    TOO_DEEP, "too-deep", schema: false,
        "Brackets are nested too deep.",
        "A job needs at most six levels of brackets. freezerd reads 127 levels and refuses deeper nesting.",
        Words("10,000 opening brackets", "a job");
    TOO_MANY_FAULTS, "too-many-faults", schema: false,
        "There are too many faults to report all of them.",
        "After 40 faults of syntax, or 100 messages in all, the rest is left out. Correct the first faults: they often \
         cause the later ones.",
        Words("a file of another kind in the jobs directory", "move it elsewhere");
    MISSING_OUTER_BRACES, "missing-outer-braces", schema: false,
        "The braces around the whole file are missing.",
        "Freezer's documentation shows jobs as `\"job\": {…}`. That is a member of an object. A file needs the object \
         around it.",
        File(r#""job": {"job_actions": []}"#, r#"{"job": {"job_actions": []}}"#);
    MISSING_COMMA, "missing-comma", schema: false,
        "The comma between two members or values is missing.",
        "JSON separates members by commas. The caret shows where the comma belongs: at the end of the first member, \
         not at the start of the next one.",
        File("{\n  \"job_actions\": []\n  \"description\": \"nightly\"\n}", "{\n  \"job_actions\": [],\n  \"description\": \"nightly\"\n}");
    TRAILING_COMMA, "trailing-comma", schema: false,
        "There is a comma after the last member.",
        "JSON has commas between members, and none after the last one. Such a comma often stays when the last line of a \
         list is removed.",
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
        "A value in an object has no key.",
        "In an object every value has a key. Only the values of a list have none.",
        File(r#"{"job_actions": [], {"schedule_interval": "1 day"}}"#, r#"{"job_actions": [], "job_schedule": {"schedule_interval": "1 day"}}"#);
    MISSING_CLOSING, "missing-closing", schema: false,
        "A closing bracket is missing.",
        "An outer bracket is closed here while an inner one is still open. The help line says where it was opened.",
        File(r#"{"job_actions": [{"x-remark": {}]}"#, r#"{"job_actions": []}"#);
    STRAY_BRACKET, "stray-bracket", schema: false,
        "A closing bracket closes nothing.",
        "There are more closing brackets than opening ones. Often one was closed too early, some lines above.",
        File(r#"{"job_actions": []}}"#, r#"{"job_actions": []}"#);
    UNEXPECTED_END, "unexpected-end", schema: false,
        "The file ends before the end of the job.",
        "Brackets or a quote are still open where the file ends. If more than a bracket is missing, the file was cut \
         off: another program is still writing it, or the disk was full.",
        File("{\n  \"job_actions\": [\n", "{\n  \"job_actions\": []\n}");
    TEXT_AFTER_END, "text-after-end", schema: false,
        "There is something after the end of the job.",
        "There is text after the outermost closing bracket. Either this bracket was closed too early, or the file has two \
         documents.",
        File(r#"{"job_actions": []} {"job_actions": []}"#, r#"{"job_actions": []}"#);
    UNEXPECTED_TEXT, "unexpected-text", schema: false,
        "There is unexpected text.",
        "After a value comes a comma or a closing bracket. A unit such as `days` belongs inside the quotes.",
        File(r#"{"job_actions": [], "description": "nightly" run}"#, r#"{"job_actions": [], "description": "nightly run"}"#);
    ELLIPSIS, "ellipsis", schema: false,
        "There are dots instead of a value or a member.",
        "Documentation shortens examples with `...`. A job file has to be complete.",
        File(r#"{"job_actions": [ ... ]}"#, r#"{"job_actions": []}"#);
    COMMENT, "comment", schema: false,
        "JSON has no comments.",
        "JSON has neither `//` nor `#` nor `/* */`. Use `description`, or a key of your own that begins with `x-` or `_`: such \
         keys are ignored.",
        File("{\n  // every night\n  \"job_actions\": []\n}", "{\n  \"x-remark\": \"every night\",\n  \"job_actions\": []\n}");
    UNTERMINATED_TEXT, "unterminated-text", schema: false,
        "The quote at the end of a text is missing.",
        "A text begins and ends with a double quote, in one line.",
        File("{\n  \"description\": \"nightly,\n  \"job_actions\": []\n}", "{\n  \"description\": \"nightly\",\n  \"job_actions\": []\n}");
    LINE_BREAK_IN_TEXT, "line-break-in-text", schema: false,
        "A text continues on the next line.",
        "A text in JSON is on one line. Write `\\n` for a line break inside a text.",
        File("{\"description\": \"every\nnight\", \"job_actions\": []}", r#"{"description": "every\nnight", "job_actions": []}"#);
    CONTROL_CHARACTER, "control-character", schema: false,
        "A text has an unescaped control character.",
        "In JSON, control characters are escaped, a tab as `\\t`. In a path such a character is probably an accident.",
        File("{\"description\": \"every\tnight\", \"job_actions\": []}", r#"{"description": "every night", "job_actions": []}"#);
    BAD_ESCAPE, "bad-escape", schema: false,
        "JSON does not have this escape.",
        "After a backslash may come `\" \\ / b f n r t`, or `u` and four hexadecimal digits. A backslash itself is \
         written twice.",
        File(r#"{"description": "50\% done", "job_actions": []}"#, r#"{"description": "50% done", "job_actions": []}"#);
    BAD_NUMBER, "bad-number", schema: false,
        "A number does not have the form of a JSON number.",
        "A JSON number has no leading zeros, no plus sign, and digits on both sides of the point. Put other forms in \
         quotes: in a job file, a number may be a text.",
        File(r#"{"job_actions": [], "job_schedule": {"schedule_hour": 03}}"#, r#"{"job_actions": [], "job_schedule": {"schedule_hour": "03"}}"#);
    BARE_WORD, "bare-word", schema: false,
        "A word has no quotes.",
        "Only `true`, `false` and `null` have no quotes, and they are in small letters. In documentation, words such as \
         `int` or `secs` stand for a value: write the value.",
        File(r#"{"job_actions": [], "x-tested": True}"#, r#"{"job_actions": [], "x-tested": true}"#);
    UNQUOTED_KEY, "unquoted-key", schema: false,
        "A key has no quotes.",
        "In JSON every key is in double quotes.",
        File(r#"{job_actions: []}"#, r#"{"job_actions": []}"#);
    OTHER_QUOTES, "other-quotes", schema: false,
        "A text has the wrong quotes.",
        "A text is in plain double quotes. Single quotes belong to Python or YAML. Curved quotes come from word processors \
         and web pages.",
        File(r#"{'job_actions': []}"#, r#"{"job_actions": []}"#);
    ODD_BLANK, "odd-blank", schema: false,
        "A character looks like a blank, but is not one.",
        "Text that was copied from a web page may have no-break spaces or invisible characters. In JSON these are not \
         blanks.",
        File("{\u{a0}\"job_actions\": []}", r#"{"job_actions": []}"#);
}
