//! Files, keys, schemas.

use super::super::{Secret, SecretError, Store, StoreError, admin_token, lock_folder};
use super::{open, pbx};

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_anything() {
    use std::os::unix::fs::PermissionsExt as _;

    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let store = Store::open(&folder, None).await.unwrap();
    admin_token(&store, None).unwrap();
    store.insert_pbx(&pbx("hq")).await.unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut names = Vec::new();
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    for name in ["linegate.db", "linegate.db-wal", "secret.key", "admin-token"] {
        assert!(names.iter().any(|one| one == name), "{name} of {names:?}");
    }
}

#[tokio::test]
async fn secrets_are_encrypted_for_their_place_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let (one, two) = (pbx("one"), pbx("two"));
    store.insert_pbx(&one).await.unwrap();
    store.insert_pbx(&two).await.unwrap();
    assert_eq!(store.pbxs().await.unwrap()[0].axl_password, Some(Secret::new("canary-axl")));
    for file in ["linegate.db", "linegate.db-wal"] {
        let bytes = std::fs::read(folder.path().join(file)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("canary-axl"), "{file}");
    }
    // Moved to another PBX it cannot be read.
    sqlx::query("update pbx set axl_password = (select axl_password from pbx where id = ?1) where id = ?2")
        .bind(one.id.as_str())
        .bind(two.id.as_str())
        .execute(&mut *store.writer().await.unwrap())
        .await
        .unwrap();
    assert!(matches!(store.pbxs().await, Err(StoreError::Secret(SecretError::WrongKey))));
}

#[tokio::test]
async fn another_key_is_refused_with_words() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    store.insert_pbx(&pbx("hq")).await.unwrap();
    drop(store);
    let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let store = Store::open(folder.path(), Some(other)).await.unwrap();
    let error = store.pbxs().await.unwrap_err();
    assert!(error.to_string().contains("LINEGATE_SECRET_KEY"), "{error}");
    assert!(matches!(Store::open(folder.path(), Some("short")).await, Err(StoreError::Secret(SecretError::Key))));
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    sqlx::raw_sql("pragma user_version = 999").execute(&mut *store.writer().await.unwrap()).await.unwrap();
    drop(store);
    let error = Store::open(folder.path(), None).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 999, .. }), "{error}");
    assert!(error.to_string().contains("newer release"));
}

#[tokio::test]
async fn the_bootstrap_token_stays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let (made, path) = admin_token(&store, None).unwrap();
    assert_eq!(path.unwrap(), folder.path().join("admin-token"));
    assert_eq!(admin_token(&store, None).unwrap().0, made);
    assert_eq!(admin_token(&store, Some("given")).unwrap(), (Secret::new("given"), None));
    assert!(!format!("{made:?}").contains(made.expose()));
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "x").unwrap();
    let error = Store::open(&path, None).await.unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
}

#[test]
fn a_folder_belongs_to_one_gateway_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let lock = lock_folder(folder.path()).unwrap();
    let error = lock_folder(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("--data-dir"));
    drop(lock);
    lock_folder(folder.path()).unwrap();
}
