//! What is read of the journal for whoever is connected: beside the loop, by few at once.

use super::{Reply, Visit};
use leadhand_journal::{Journal, JournalError};
use leadhand_protocol::{ContentHash, RunId, Seq};
use std::io;
use std::sync::Arc;

impl Visit {
    /// Sends the records that are stored, from one on; gives the number after the last.
    pub(super) async fn stored(&mut self, from: Seq) -> io::Result<Seq> {
        let read = self.look(move |journal, run| journal.read_from(run, from));
        let mut next = from;
        for record in read.await?.records {
            next = record.seq + 1;
            let record = Box::new(record);
            self.say(&Reply::Record { record }).await?;
        }
        Ok(next)
    }

    /// Checks the records that are stored.
    pub(super) async fn verify(&mut self, noted: Option<ContentHash>) -> io::Result<Reply> {
        let verified = self.look(move |journal, run| journal.verify(run, noted));
        let verified = verified.await?;
        Ok(Reply::Verified { verified })
    }

    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&dyn Journal, &RunId) -> Result<T, JournalError> + Send + 'static,
    ) -> io::Result<T> {
        let readers = Arc::clone(&self.house.readers);
        let _turn = readers.acquire_owned().await.map_err(io::Error::other)?;
        let (journal, run) = (Arc::clone(&self.house.journal), self.house.run.clone());
        let looked = tokio::task::spawn_blocking(move || look(&*journal, &run)).await?;
        looked.map_err(io::Error::other)
    }
}
