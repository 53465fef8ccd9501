//! The storages: what every one of them promises, and what each promises besides.

#[path = "../archive_server/mod.rs"]
mod archive_server;
mod busy;
#[path = "../certificate/mod.rs"]
mod certificate;
mod contract;
mod disks;
mod faults;
mod ftp;
#[path = "../ftp_server/mod.rs"]
mod ftp_server;
#[path = "../line/mod.rs"]
mod line;
mod lines;
mod local;
mod rclone;
#[path = "../rclone_programs/mod.rs"]
mod rclone_programs;
mod rest;
#[path = "../rest_server/mod.rs"]
mod rest_server;
mod s3;
mod s3_archive;
mod s3_faults;
mod s3_object_lock;
#[path = "../s3_server/mod.rs"]
mod s3_server;
mod sftp;
#[path = "../sftp_server/mod.rs"]
mod sftp_server;
mod support;
mod swift;
mod swift_faults;
#[path = "../swift_server/mod.rs"]
mod swift_server;
mod swift_support;
