//! Removes files, and finds out whether that is allowed.

use super::S3;
use super::refusal::Trouble;
use super::request::Call;
use crate::storage::error::{Doing, Error, ErrorKind, Place};
use crate::storage::http::{Failure, Method};
use crate::storage::{FileKind, FileName};

impl S3 {
    /// Removes a file. S3 itself does not tell whether there was one.
    pub(super) fn remove_file(&self, file: FileName) -> Result<(), Error> {
        // Whether a lock was there makes no difference to anybody.
        if file.kind != FileKind::Lock {
            self.length(file).map_err(|trouble| at(file, trouble))?;
        }
        self.delete(file)
    }

    /// Asks for the removal of a pack that does not exist.
    pub(super) fn try_removal(&self) -> Result<(), Error> {
        match self.delete(FileName::NO_PACK) {
            Err(error) if error.kind == ErrorKind::Denied => Err(error),
            _ => Ok(()),
        }
    }

    fn delete(&self, file: FileName) -> Result<(), Error> {
        let answer = self.send(&Call::of(Method::Delete, file, &[]));
        answer.map_err(|trouble| at(file, trouble))?.finish();
        Ok(())
    }
}

fn at(file: FileName, trouble: Trouble) -> Error {
    Failure::from(trouble).at(Doing::Remove, Place::File(file))
}
