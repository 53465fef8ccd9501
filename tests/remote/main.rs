//! Jobs with a container on a real server, through the real binary, with `restic` as the judge.

mod archive;
#[path = "../archive_server/mod.rs"]
mod archive_server;
mod bucket;
mod cache;
#[path = "../certificate/mod.rs"]
mod certificate;
mod copy;
mod ftp;
#[path = "../ftp_server/mod.rs"]
mod ftp_server;
#[path = "../harness/mod.rs"]
mod harness;
mod inline;
mod jobs;
mod kills;
#[path = "../line/mod.rs"]
mod line;
mod moved;
mod network;
mod object_lock;
mod places;
mod rclone;
mod rclone_logins;
#[path = "../rclone_programs/mod.rs"]
mod rclone_programs;
#[path = "../rest_server/mod.rs"]
mod rest_server;
mod restarts;
#[path = "../restic_support/mod.rs"]
mod restic_support;
mod s3;
#[path = "../s3_server/mod.rs"]
mod s3_server;
mod secrets;
mod sftp;
#[path = "../sftp_server/mod.rs"]
mod sftp_server;
mod site;
mod swift;
#[path = "../swift_server/mod.rs"]
mod swift_server;
mod targets;
mod trial;
mod trouble;
