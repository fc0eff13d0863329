//! Rows of PBXs, lines, tokens and keys.

use super::super::{Claim, Scope, StoreError, StoredAnswer, TokenRow, hash_token};
use super::{batch, line, open, pbx};
use crate::domain::{RandomIds, Timestamp, TokenId};

#[tokio::test]
async fn names_and_versions_of_pbxs_are_guarded() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let (mut one, two) = (pbx("one"), pbx("two"));
    store.insert_pbx(&one).await.unwrap();
    store.insert_pbx(&two).await.unwrap();
    assert!(matches!(store.insert_pbx(&pbx("one")).await, Err(StoreError::Exists)));
    one.version = 2;
    one.settings.name = "two".to_owned();
    assert!(matches!(store.update_pbx(&one).await, Err(StoreError::Exists)));
    one.settings.name = "three".to_owned();
    store.update_pbx(&one).await.unwrap();
    assert!(matches!(store.update_pbx(&one).await, Err(StoreError::Changed)), "the same version twice");
    drop(store);
    let names: Vec<String> =
        open(&folder).await.pbxs().await.unwrap().into_iter().map(|row| row.settings.name).collect();
    assert_eq!(names, ["three", "two"]);
}

#[tokio::test]
async fn permanent_numbers_are_never_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let row = pbx("hq");
    store.insert_pbx(&row).await.unwrap();
    let mut lines = vec![line(&row, "201", Some("A")), line(&row, "202", Some("B"))];
    store.write_lines(&mut lines).await.unwrap();
    assert_eq!((lines[0].tapi_id, lines[1].tapi_id), (1, 2));
    store.delete_line(&lines[1].id).await.unwrap();
    drop(store);
    let store = open(&folder).await;
    let mut next = vec![line(&row, "202", Some("B"))];
    store.write_lines(&mut next).await.unwrap();
    assert_eq!(next[0].tapi_id, 3);
    store.delete_pbx(&row.id).await.unwrap();
    assert!(store.lines(&row.id).await.unwrap().is_empty(), "lines go with their PBX");
    let other = pbx("other");
    store.insert_pbx(&other).await.unwrap();
    let mut last = vec![line(&other, "201", None)];
    store.write_lines(&mut last).await.unwrap();
    assert_eq!(last[0].tapi_id, 4);
    last[0].number = "299".to_owned();
    store.write_lines(&mut last).await.unwrap();
    assert_eq!((last[0].tapi_id, store.lines(&other.id).await.unwrap()), (4, last));
}

#[tokio::test]
async fn lines_are_written_all_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let row = pbx("hq");
    store.insert_pbx(&row).await.unwrap();
    store.write_lines(&mut [line(&row, "201", None)]).await.unwrap();
    let mut batch = vec![line(&row, "202", Some("A")), line(&row, "201", None)];
    assert!(matches!(store.write_lines(&mut batch).await, Err(StoreError::Exists)));
    assert_eq!(store.lines(&row.id).await.unwrap().len(), 1);
    // The numbers of the failed batch were not given: nobody must keep them.
    assert_eq!((batch[0].tapi_id, batch[1].tapi_id), (0, 0));
    let mut batch = vec![line(&row, "201", Some("A")), line(&row, "202", Some("A"))];
    store.write_lines(&mut batch).await.unwrap();
    assert_eq!((batch[0].tapi_id, batch[1].tapi_id), (2, 3));
}

#[tokio::test]
async fn tokens_are_kept_as_hashes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let row = TokenRow {
        id: TokenId::new(&mut RandomIds),
        name: "crm".to_owned(),
        hash: hash_token("canary-token"),
        scope: Scope::Control,
        lines: Some(vec![
            crate::domain::LineId::parse("line_1").unwrap(),
            crate::domain::LineId::parse("line_2").unwrap(),
        ]),
        created_at: Timestamp::from_unix_ms(1),
        expires_at: Some(Timestamp::from_unix_ms(2)),
        enrolment_id: None,
    };
    store.insert_token(&row).await.unwrap();
    assert_eq!(store.token_by_hash(&hash_token("canary-token")).await.unwrap(), Some(row.clone()));
    assert_eq!(store.token_by_hash(&hash_token("canary")).await.unwrap(), None);
    assert_eq!(store.tokens().await.unwrap(), std::slice::from_ref(&row));
    let twin = TokenRow { id: TokenId::new(&mut RandomIds), ..row.clone() };
    assert!(matches!(store.insert_token(&twin).await, Err(StoreError::Exists)));
    assert!(store.delete_token(&row.id).await.unwrap());
    assert!(!store.delete_token(&row.id).await.unwrap());
}

#[tokio::test]
async fn a_key_is_kept_for_a_day_and_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let (token, other) = (TokenId::new(&mut RandomIds), TokenId::new(&mut RandomIds));
    let now = Timestamp::from_unix_ms(1_000_000_000);
    let claim = async |store: &super::super::Store, token: &TokenId, hash: u8, at: Timestamp| {
        store.claim_key(token, "k", &[hash; 32], at).await.unwrap()
    };
    assert_eq!(claim(&store, &token, 1, now).await, Claim::Fresh);
    assert_eq!(claim(&store, &token, 1, now).await, Claim::Running);
    assert_eq!(claim(&store, &token, 2, now).await, Claim::OtherBody);
    assert_eq!(claim(&store, &other, 2, now).await, Claim::Fresh);
    let answer = StoredAnswer { status: 201, headers: "{}".to_owned(), body: b"{\"id\":1}".to_vec() };
    store.answer_key(&token, "k", &answer).await.unwrap();
    // An answer is not given back; what has none is.
    store.release_key(&token, "k").await.unwrap();
    store.release_key(&other, "k").await.unwrap();
    drop(store);
    let store = open(&folder).await;
    let late = Timestamp::from_unix_ms(now.unix_ms() + 24 * 3600 * 1000);
    assert_eq!(claim(&store, &token, 1, late).await, Claim::Answered(answer));
    assert_eq!(claim(&store, &other, 9, late).await, Claim::Fresh);
    let over = Timestamp::from_unix_ms(late.unix_ms() + 1);
    assert_eq!(claim(&store, &token, 2, over).await, Claim::Fresh);
}

#[tokio::test]
async fn learned_values_are_remembered_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    store.remember("a", Some("1")).await.unwrap();
    store.remember("a", Some("2")).await.unwrap();
    assert_eq!(store.setting("a").await.unwrap().as_deref(), Some("2"));
    store.remember("a", None).await.unwrap();
    assert_eq!(store.setting("a").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_written_while_the_journal_writes() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let row = pbx("hq");
    store.insert_pbx(&row).await.unwrap();
    let journal = tokio::spawn({
        let store = store.clone();
        async move {
            for seq in 1..=400 {
                store.write_batch(&batch(seq)).await.unwrap();
            }
        }
    });
    for number in 0..100 {
        store.write_lines(&mut [line(&row, &number.to_string(), None)]).await.unwrap();
    }
    journal.await.unwrap();
}
