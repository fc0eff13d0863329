//! The assistant's journal: what was sent to a router, written before it is sent.

use std::collections::BTreeSet;

use crate::axl::assistant::Block;
use crate::domain::PbxId;
use crate::service::assistant::{Act, Applied, CstaEntry};
use crate::store::{Store, StoreError};

/// Entries that are kept of a PBX.
const KEPT: usize = 50;

fn index_key(pbx: &PbxId) -> String {
    format!("csta.journal/{pbx}")
}

fn entry_key(pbx: &PbxId, id: &str) -> String {
    format!("csta.journal/{pbx}/{id}")
}

async fn index(store: &Store, pbx: &PbxId) -> Result<Vec<String>, StoreError> {
    let text = store.setting(&index_key(pbx)).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// All entries, the newest first.
pub(in crate::service::link) async fn read(store: &Store, pbx: &PbxId) -> Result<Vec<CstaEntry>, StoreError> {
    let mut entries = Vec::new();
    for id in index(store, pbx).await? {
        if let Some(text) = store.setting(&entry_key(pbx, &id)).await?
            && let Ok(entry) = serde_json::from_str(&text)
        {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// Writes an entry, new or known.
pub(super) async fn write(store: &Store, pbx: &PbxId, entry: &CstaEntry) -> Result<(), StoreError> {
    let text = serde_json::to_string(entry).unwrap_or_default();
    store.remember(&entry_key(pbx, &entry.id), Some(&text)).await?;
    let mut ids = index(store, pbx).await?;
    if ids.contains(&entry.id) {
        return Ok(());
    }
    ids.insert(0, entry.id.clone());
    let old = ids.split_off(KEPT.min(ids.len()));
    store.remember(&index_key(pbx), Some(&serde_json::to_string(&ids).unwrap_or_default())).await?;
    for id in old {
        store.remember(&entry_key(pbx, &id), None).await?;
    }
    Ok(())
}

/// What was applied by the journal and not taken back; a directory number with its tag and number, for a tag may be another
/// number now.
pub(super) fn applied(entries: &[CstaEntry]) -> BTreeSet<(Block, Option<u32>, Option<String>)> {
    let mut applied = BTreeSet::new();
    for entry in entries.iter().filter(|entry| entry.act == Act::Apply) {
        for result in entry.results.iter().filter(|result| result.outcome == Applied::Applied) {
            let is_gone = entry.undone_by.is_some() && !result.inverse.is_empty();
            if !is_gone {
                let (tag, number) = match result.block {
                    Block::EphoneDn => (result.tag, result.number.clone()),
                    _ => (None, None),
                };
                applied.insert((result.block, tag, number));
            }
        }
    }
    applied
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::domain::{RandomIds, Timestamp};
    use crate::service::assistant::{AppliedBlock, Saved};

    fn entry(id: usize) -> CstaEntry {
        let result = |block, tag, inverse: &[&str]| AppliedBlock {
            block,
            subject: String::new(),
            outcome: Applied::Applied,
            failed_command: None,
            router_message: None,
            detail: None,
            executed: Vec::new(),
            inverse: inverse.iter().map(|line| (*line).to_owned()).collect(),
            tag,
            number: tag.map(|tag| format!("20{tag}")),
        };
        CstaEntry {
            id: format!("apply_{id}"),
            at: Timestamp::from_unix_ms(0),
            actor: "admin".to_owned(),
            act: Act::Apply,
            results: vec![
                result(Block::VoiceServiceVoip, None, &[]),
                result(Block::EphoneDn, Some(7), &["ephone-dn 7", "no cti watch"]),
            ],
            unanswered: None,
            saved: Saved::Success,
            verified: true,
            undone_by: None,
        }
    }

    #[test]
    fn what_was_taken_back_no_longer_stands() {
        let dn = (Block::EphoneDn, Some(7), Some("207".to_owned()));
        assert_eq!(applied(&[entry(1)]), BTreeSet::from([(Block::VoiceServiceVoip, None, None), dn]));
        let undone = CstaEntry { undone_by: Some("undo_1".to_owned()), ..entry(1) };
        assert_eq!(applied(&[undone]), BTreeSet::from([(Block::VoiceServiceVoip, None, None)]));
    }

    #[tokio::test]
    async fn the_newest_comes_first_and_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), None).await.unwrap();
        let pbx = PbxId::new(&mut RandomIds);
        for id in 0..KEPT + 3 {
            write(&store, &pbx, &entry(id)).await.unwrap();
        }
        let changed = CstaEntry { verified: false, ..entry(KEPT) };
        write(&store, &pbx, &changed).await.unwrap();
        let entries = read(&store, &pbx).await.unwrap();
        assert_eq!(entries.len(), KEPT);
        assert_eq!(entries[0].id, format!("apply_{}", KEPT + 2));
        assert_eq!(entries[2], changed);
        assert_eq!(store.setting(&entry_key(&pbx, "apply_0")).await.unwrap(), None);
        assert!(read(&store, &PbxId::new(&mut RandomIds)).await.unwrap().is_empty());
    }
}
