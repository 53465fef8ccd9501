//! The changes that a transaction can make, and the effect of each on the tables.

use redb::ReadableTable;

use super::codec::encode;
use super::unreadable::Key;
use super::{
    ATTEMPTS, EVENTS, FILES, JOBS, LedgerError, META, OCCURRENCES, OPEN_RUNS, OUTBOX, RUNS,
    RUNS_OF_JOB, occurrence,
};
use crate::record::{
    AttemptRecord, Claim, EventRecord, FileRecord, JobRecord, OutboxRow, RunRecord,
};

/// One change of the ledger. A transaction is a list of changes.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    /// Inserts or replaces the job.
    Job(Box<JobRecord>),
    /// Removes the job with this id. The rows of its runs stay.
    ForgetJob(String),
    /// Claims an occurrence: inserts its row. The whole transaction fails when another run has claimed it.
    Claim(RunRecord),
    /// Replaces the row of a run.
    Run(RunRecord),
    /// Inserts or replaces the attempt.
    Attempt(AttemptRecord),
    /// Inserts the answer to an event.
    Event(EventRecord),
    /// Inserts or replaces the file.
    File(FileRecord),
    /// Removes the file with this name.
    ForgetFile(String),
    /// Inserts or replaces a message to a receiver.
    Outbox(Box<OutboxRow>),
    /// Removes a message to a receiver.
    ForgetOutbox { id: u64, receiver: String },
    /// Removes the row of a run that is over, with its attempts and its entry in the job's history. Its occurrence
    /// stays claimed.
    ForgetRun { job_id: String, number: u64 },
    /// Removes the claim of an occurrence. It can then be claimed again.
    ForgetClaim(Claim),
    /// Removes the event with this id, and its answer.
    ForgetEvent(String),
    /// Removes a value that cannot be read. For a run, also removes its attempts and its entries in other tables.
    Discard(Key),
}

/// Makes the change, as part of the transaction.
pub(super) fn apply(
    transaction: &redb::WriteTransaction,
    write: &Write,
) -> Result<(), LedgerError> {
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
            // The same run may claim it again: a commit that reported an error may still have been kept.
            if let Some(run) = other.filter(|run| *run != record.number) {
                return Err(LedgerError::AlreadyClaimed {
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
        Write::Outbox(row) => put_message(transaction, row)?,
        Write::ForgetOutbox { id, receiver } => {
            transaction
                .open_table(OUTBOX)?
                .remove((*id, receiver.as_str()))?;
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

fn put_run(transaction: &redb::WriteTransaction, record: &RunRecord) -> Result<(), LedgerError> {
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

fn put_message(transaction: &redb::WriteTransaction, row: &OutboxRow) -> Result<(), LedgerError> {
    let id = row.message.id;
    let bytes = encode(row)?;
    transaction
        .open_table(OUTBOX)?
        .insert((id, row.receiver.as_str()), bytes.as_slice())?;
    let mut meta = transaction.open_table(META)?;
    let last = meta.get("last_message")?;
    let last = last.and_then(|last| last.value().parse().ok()).unwrap_or(0);
    if id > last {
        meta.insert("last_message", id.to_string().as_str())?;
    }
    Ok(())
}

fn forget_run(
    transaction: &redb::WriteTransaction,
    job_id: &str,
    number: u64,
) -> Result<(), LedgerError> {
    if transaction.open_table(OPEN_RUNS)?.get(number)?.is_some() {
        return Err(LedgerError::StillOpen { run: number });
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

fn discard(transaction: &redb::WriteTransaction, key: &Key) -> Result<(), LedgerError> {
    match key {
        Key::Job(job_id) => drop(transaction.open_table(JOBS)?.remove(job_id.as_str())?),
        Key::File(file) => drop(transaction.open_table(FILES)?.remove(file.as_str())?),
        Key::Event(id) => drop(transaction.open_table(EVENTS)?.remove(id.as_str())?),
        Key::Outbox((id, receiver)) => {
            drop(
                transaction
                    .open_table(OUTBOX)?
                    .remove((*id, receiver.as_str()))?,
            );
        }
        Key::Attempt(key) => drop(transaction.open_table(ATTEMPTS)?.remove(*key)?),
        Key::Run(number) => {
            // The value named the job, but it cannot be read. The index names the job too.
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
