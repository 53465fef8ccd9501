//! What is to be known of a command before it runs.

use super::Command;

impl Command {
    /// Whether the output is JSON.
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Command::Run(args) => args.json,
            Command::New(args) => args.json,
            Command::Edit(args) => args.json,
            Command::Check(args) => args.json,
            Command::Explain(args) => args.json,
            Command::Schema(args) => args.json,
            Command::Next(args) => args.json,
            Command::Why(args) => args.json,
            Command::List(args) => args.json,
            Command::Show(args) => args.json,
            Command::History(args) => args.json,
            Command::Log(args) => args.json,
            Command::Status(args) => args.json,
            Command::Doctor(args) => args.json,
            Command::Start(args)
            | Command::Stop(args)
            | Command::Abort(args)
            | Command::Remove(args) => args.json,
            Command::Trigger(args) => args.asked.json,
            Command::Snapshots(args) => args.json,
            Command::Restore(args) => args.json,
            Command::Ls(args) => args.json,
            Command::Find(args) => args.json,
            Command::Diff(args) => args.json,
            Command::Dump(args) => args.json,
            Command::Stats(args) => args.json,
            Command::Verify(args) => args.json,
            Command::Repair(args) => args.json,
            Command::Retention(args) => args.json,
            Command::Forget(args) => args.json,
            Command::Accept(args) => args.json,
            Command::Pin(args) => args.json(),
            Command::Unpin(args) => args.json(),
            Command::Prune(args) => args.json,
            Command::Copy(args) => args.json,
            Command::Adopt(args) => args.json,
            Command::Key(args) => args.wants_json(),
            Command::Unlock(args) => args.json,
            Command::State(args) => args.wants_json(),
            Command::Config(args) => args.wants_json(),
            Command::Storage(args) => args.wants_json(),
            Command::Notify(args) => args.json,
            Command::Cache(args) => args.wants_json(),
            Command::Complete(_) | Command::Agent => false,
        }
    }

    /// Whether the command has something to do when nobody reads its output any more. Some write to a child process, and
    /// must survive its end; others have a lock in a repository, which they remove before they end.
    pub(super) fn survives_its_reader(&self) -> bool {
        matches!(
            self,
            Command::Run(_)
                | Command::New(_)
                | Command::Edit(_)
                | Command::Restore(_)
                | Command::Ls(_)
                | Command::Find(_)
                | Command::Diff(_)
                | Command::Dump(_)
                | Command::Stats(_)
                | Command::Verify(_)
                | Command::Repair(_)
                | Command::Forget(_)
                | Command::Accept(_)
                | Command::Pin(_)
                | Command::Unpin(_)
                | Command::Prune(_)
                | Command::Copy(_)
                | Command::Adopt(_)
                | Command::Key(_)
                | Command::Unlock(_)
                | Command::Storage(_)
                | Command::Notify(_)
        )
    }
}
