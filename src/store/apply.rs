//! What each [`Write`] does to the tables.

use redb::ReadableTable;

use super::codec::encode;
use super::record::RunRecord;
use super::values::Key;
use super::{
    ATTEMPTS, EVENTS, FILES, JOBS, META, OCCURRENCES, OPEN_RUNS, RUNS, RUNS_OF_JOB, StoreError,
    Write, occurrence,
};

/// Does it, as part of the transaction.
pub(super) fn apply(transaction: &redb::WriteTransaction, write: &Write) -> Result<(), StoreError> {
    match write {
        Write::Job(record) => {
            let bytes = encode(record)?;
            transaction
                .open_table(JOBS)?
                .insert(record.job_id.as_str(), bytes.as_slice())?;
        }
        Write::ForgetJob(job_id) => {
            transaction.open_table(JOBS)?.remove(job_id.as_str())?;
        }
        Write::Claim(record) => {
            let claim = record.claim();
            let key = occurrence(&claim);
            let mut occurrences = transaction.open_table(OCCURRENCES)?;
            let other = occurrences.get(key)?.map(|run| run.value());
            // The same run again: a commit that seemed to fail was kept all the same.
            if let Some(run) = other.filter(|run| *run != record.number) {
                return Err(StoreError::AlreadyClaimed {
                    job_id: record.job_id.clone(),
                    due: record.due,
                    kind: claim.kind.key(),
                    run,
                });
            }
            occurrences.insert(key, record.number)?;
            transaction
                .open_table(RUNS_OF_JOB)?
                .insert((record.job_id.as_str(), record.number), ())?;
            transaction
                .open_table(META)?
                .insert("last_run", record.number.to_string().as_str())?;
            put_run(transaction, record)?;
        }
        Write::Run(record) => put_run(transaction, record)?,
        Write::Attempt(record) => {
            let bytes = encode(record)?;
            transaction.open_table(ATTEMPTS)?.insert(
                (record.run, record.action, record.attempt),
                bytes.as_slice(),
            )?;
        }
        Write::Event(record) => {
            let bytes = encode(record)?;
            transaction
                .open_table(EVENTS)?
                .insert(record.id.as_str(), bytes.as_slice())?;
        }
        Write::File(record) => {
            let bytes = encode(record)?;
            transaction
                .open_table(FILES)?
                .insert(record.file.as_str(), bytes.as_slice())?;
        }
        Write::ForgetFile(file) => {
            transaction.open_table(FILES)?.remove(file.as_str())?;
        }
        Write::ForgetRun { job_id, number } => forget_run(transaction, job_id, *number)?,
        Write::ForgetClaim(claim) => {
            transaction
                .open_table(OCCURRENCES)?
                .remove(occurrence(claim))?;
        }
        Write::ForgetEvent(id) => {
            transaction.open_table(EVENTS)?.remove(id.as_str())?;
        }
        Write::Discard(key) => discard(transaction, key)?,
    }
    Ok(())
}

fn put_run(transaction: &redb::WriteTransaction, record: &RunRecord) -> Result<(), StoreError> {
    let bytes = encode(record)?;
    transaction
        .open_table(RUNS)?
        .insert(record.number, bytes.as_slice())?;
    let mut open = transaction.open_table(OPEN_RUNS)?;
    if record.state.is_over() {
        open.remove(record.number)?;
    } else {
        open.insert(record.number, ())?;
    }
    Ok(())
}

fn forget_run(
    transaction: &redb::WriteTransaction,
    job_id: &str,
    number: u64,
) -> Result<(), StoreError> {
    if transaction.open_table(OPEN_RUNS)?.get(number)?.is_some() {
        return Err(StoreError::StillOpen { run: number });
    }
    transaction.open_table(RUNS)?.remove(number)?;
    transaction
        .open_table(RUNS_OF_JOB)?
        .remove((job_id, number))?;
    transaction
        .open_table(ATTEMPTS)?
        .retain_in((number, 0, 0)..=(number, u32::MAX, u32::MAX), |_, _| false)?;
    Ok(())
}

fn discard(transaction: &redb::WriteTransaction, key: &Key) -> Result<(), StoreError> {
    match key {
        Key::Job(job_id) => drop(transaction.open_table(JOBS)?.remove(job_id.as_str())?),
        Key::File(file) => drop(transaction.open_table(FILES)?.remove(file.as_str())?),
        Key::Event(id) => drop(transaction.open_table(EVENTS)?.remove(id.as_str())?),
        Key::Attempt(key) => drop(transaction.open_table(ATTEMPTS)?.remove(*key)?),
        Key::Run(number) => {
            // Whose run it was stood in the value; the index knows it too.
            let mut index = transaction.open_table(RUNS_OF_JOB)?;
            let mut job_id = None;
            for entry in index.iter()? {
                let (key, _) = entry?;
                if key.value().1 == *number {
                    job_id = Some(key.value().0.to_owned());
                    break;
                }
            }
            if let Some(job_id) = job_id {
                index.remove((job_id.as_str(), *number))?;
            }
            transaction.open_table(OPEN_RUNS)?.remove(*number)?;
            transaction.open_table(RUNS)?.remove(*number)?;
            transaction
                .open_table(ATTEMPTS)?
                .retain_in((*number, 0, 0)..=(*number, u32::MAX, u32::MAX), |_, _| {
                    false
                })?;
        }
    }
    Ok(())
}
