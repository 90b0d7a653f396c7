//! What is read of the journal for whoever is connected: beside the loop, by few at once.

use super::{Reply, Visit};
use crate::remote::PIECE_BYTES_MAX;
use crate::remote::wire;
use leadhand_journal::{Journal, JournalError};
use leadhand_protocol::{ContentHash, Record, RunId, Seq};
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

/// From this size on records are written out, in bytes: one write takes several of them.
const BLOCK_BYTES: usize = 64 * 1024;

impl Visit {
    /// Sends the records that are stored, from one on; gives the number after the last. They are read
    /// piece by piece, since whoever reads them may be slow and nobody waits for him.
    pub(super) async fn stored(&mut self, from: Seq) -> io::Result<Seq> {
        let mut next = from;
        loop {
            let read = self.look(move |journal, run| piece(journal, run, next));
            let (records, is_last) = read.await?;
            let mut lines = Vec::new();
            for record in records {
                next = record.seq + 1;
                let record = Box::new(record);
                wire::push(&mut lines, &Reply::Record { record })?;
                if lines.len() >= BLOCK_BYTES {
                    self.write(&lines).await?;
                    lines.clear();
                }
            }
            self.write(&lines).await?;
            if is_last {
                return Ok(next);
            }
        }
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

/// The stored records from one on, as many as are read at once, and whether there are no more. What
/// is damaged ends them.
fn piece(
    journal: &dyn Journal,
    run: &RunId,
    from: Seq,
) -> Result<(Vec<Record>, bool), JournalError> {
    let (mut records, mut bytes) = (Vec::new(), 0);
    journal.scan(run, from, &mut |record, event_bytes| {
        records.push(record);
        bytes += event_bytes;
        if bytes < PIECE_BYTES_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    Ok((records, bytes < PIECE_BYTES_MAX))
}
