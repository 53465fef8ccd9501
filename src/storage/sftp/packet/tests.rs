use super::*;

fn with_string(head: &[u8], text: &[u8]) -> Vec<u8> {
    let mut packet = head.to_vec();
    string(&mut packet, text);
    packet
}

#[test]
fn a_request_is_its_length_its_kind_its_number_and_its_parts() {
    let handle = b"\xff\0h";
    let read = Request::Read {
        handle,
        offset: 0x0102,
        length: 9,
    };
    let expected = [
        &[0, 0, 0, 24, 5, 0, 0, 0, 7, 0, 0, 0, 3][..],
        handle,
        &[0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 9],
    ];
    assert_eq!(read.encode(7), expected.concat());
    let open = Request::OpenNew { path: "x" }.encode(1);
    assert_eq!(open[4], 3);
    assert_eq!(
        open[14..],
        [0, 0, 0, 0x2a, 0, 0, 0, 4, 0, 0, 0x01, 0x80],
        "for writing, new, and for the owner alone"
    );
    let sync = Request::Sync { handle }.encode(1);
    assert!(sync.windows(17).any(|part| part == b"fsync@openssh.com"));
}

#[test]
fn handles_and_names_are_bytes() {
    let packet = with_string(&[102, 0, 0, 0, 5], b"\xff\xfe\0");
    assert_eq!(
        decode(&packet),
        Ok((5, Reply::Handle(b"\xff\xfe\0".to_vec())))
    );
    let mut packet = with_string(&[104, 0, 0, 0, 5, 0, 0, 0, 1], b"n\xff");
    string(&mut packet, b"-rw");
    packet.extend([0, 0, 0, 0x0d]);
    packet.extend(77_u64.to_be_bytes());
    packet.extend(0o100_600_u32.to_be_bytes());
    packet.extend([0, 0, 0, 1, 0, 0, 0, 2]);
    let Ok((5, Reply::Names(names))) = decode(&packet) else {
        panic!("it is a list of names");
    };
    assert_eq!(names[0].name, b"n\xff");
    let about = names[0].about;
    assert_eq!(about.size, Some(77));
    assert_eq!(about.modified, Some(2));
    assert_eq!(about.file_type(), FileType::Regular);
    assert_eq!(Attributes::default().file_type(), FileType::Unknown);
}

#[test]
fn a_status_may_have_any_code_and_no_message() {
    let packet = [101, 0, 0, 0, 1, 0, 0, 0, 99];
    let message = Vec::new();
    assert_eq!(
        decode(&packet),
        Ok((1, Reply::Status { code: 99, message }))
    );
}

#[test]
fn a_version_names_its_extensions() {
    let mut packet = with_string(&[2, 0, 0, 0, 3], b"fsync@openssh.com");
    string(&mut packet, b"1");
    assert_eq!(
        decode_version(&packet),
        Ok((3, vec![b"fsync@openssh.com".to_vec()]))
    );
    assert_eq!(decode_version(b"Welcome to this host"), Err(Malformed));
}

#[test]
fn a_file_system_says_what_is_left() {
    let numbers: [u64; 11] = [4096, 512, 9, 9, 10, 100, 9, 50, 0, 1, 255];
    let bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect();
    let expected = FileSystem {
        free: 5120,
        files: Some(50),
        is_read_only: true,
    };
    assert_eq!(decode_file_system(&bytes), Ok(expected));
    assert_eq!(decode_file_system(&bytes[1..]), Err(Malformed));
}

#[test]
fn no_bytes_of_a_server_cause_a_panic_or_much_memory() {
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..20_000 {
        let length = random.usize(..60);
        let mut packet: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
            .take(length)
            .collect();
        if let Some(first) = packet.first_mut() {
            *first = [101, 102, 103, 104, 105, 201][random.usize(..6)];
        }
        let _ = decode(&packet);
        let _ = decode_version(&packet);
    }
    // It says that four billion names follow.
    assert_eq!(
        decode(&[104, 0, 0, 0, 1, 255, 255, 255, 255]),
        Err(Malformed)
    );
}
