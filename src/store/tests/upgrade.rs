//! Databases of earlier releases: each schema with rows as its releases wrote them, opened by this one.

use std::path::Path;

use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::super::{BlindQuery, Claim, FinishedQuery, Scope, Store, restore, schema};
use crate::domain::{CallState, LineKind, PbxId, TokenId};

const SCHEMAS: [&str; 4] = [
    include_str!("../../../migrations/0001_base.sql"),
    include_str!("../../../migrations/0002_journal.sql"),
    include_str!("../../../migrations/0003_finished_calls.sql"),
    include_str!("../../../migrations/0004_number_rules.sql"),
];
const ROWS: [&str; 4] = [
    include_str!("../../../tests/corpus/store/rows-1.sql"),
    include_str!("../../../tests/corpus/store/rows-2.sql"),
    include_str!("../../../tests/corpus/store/rows-3.sql"),
    include_str!("../../../tests/corpus/store/rows-4.sql"),
];
const PBX: &str = "pbx_01a215f0b9e47251b08926795704bd61";

/// The database of a release with this schema.
async fn left_by(schema: usize, folder: &Path) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(folder.join("linegate.db"));
    let mut old = options.create_if_missing(true).connect().await.unwrap();
    for part in SCHEMAS[..schema].iter().chain(&ROWS[..schema]) {
        sqlx::raw_sql(*part).execute(&mut old).await.unwrap();
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("pragma user_version = {schema}"))).execute(&mut old).await.unwrap();
    old.close().await.unwrap();
}

/// Says something to a database that nobody else uses; the answer is its schema and the number of its tables.
async fn say(words: &'static str, database: &Path) -> (i64, i64) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(words).execute(&mut connection).await.unwrap();
    let asked = "select (select user_version from pragma_user_version), \
                 (select count(*) from sqlite_schema where type = 'table')";
    let row = sqlx::query(asked).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn an_upgrade_that_breaks_off_changes_nothing_and_keeps_the_copies_until_it_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    left_by(3, folder.path()).await;
    std::fs::write(file("before-schema-1.db"), "of the upgrade before").unwrap();
    let (_, tables) = say("", &file("linegate.db")).await;
    // The last migration fails, after others went well.
    say("create table enrolment (id text)", &file("linegate.db")).await;
    for attempt in 1..=2 {
        let error = Store::open(folder.path(), None).await.unwrap_err();
        assert!(error.to_string().contains("enrolment"), "{error}");
        assert_eq!(say("", &file("linegate.db")).await, (3, tables + 1), "attempt {attempt}");
        assert_eq!(say("", &file("before-schema-3.db")).await, (3, tables + 1), "attempt {attempt}");
        assert!(file("before-schema-1.db").exists() && !file("before-schema-4.db").exists());
    }
    assert_eq!(say("drop table enrolment", &file("linegate.db")).await, (3, tables));

    let store = Store::open(folder.path(), None).await.unwrap();
    assert_eq!(store.pbxs().await.unwrap().len(), 1);
    store.close().await;
    assert_eq!(say("", &file("linegate.db")).await.0, schema());
    assert!(!file("before-schema-1.db").exists() && !file("before-schema-4.db").exists());
    // The release before can be installed again.
    let back = restore(&file("before-schema-3.db"), folder.path(), "two").await.unwrap();
    assert_eq!(back.schema, 3);
    assert_eq!(say("", &file("linegate.db")).await, (3, tables));
}

#[tokio::test]
async fn the_rows_of_every_earlier_schema_are_there_after_the_upgrade() {
    let latest = usize::try_from(schema()).unwrap();
    assert_eq!(latest, SCHEMAS.len() + 1, "a new schema needs the one before it here, with rows in tests/corpus/store");
    for schema in 1..=SCHEMAS.len() {
        let folder = tempfile::tempdir().unwrap();
        left_by(schema, folder.path()).await;
        let store = Store::open(folder.path(), None).await.unwrap();
        assert!(folder.path().join(format!("before-schema-{schema}.db")).is_file(), "a copy of schema {schema}");

        let pbxs = store.pbxs().await.unwrap();
        assert_eq!((pbxs.len(), pbxs[0].settings.name.as_str(), pbxs[0].version), (1, "hq", 4));
        assert_eq!(pbxs[0].settings.dialect.get("register.mode"), Some(&"never".into()));
        assert_eq!(pbxs[0].settings.options.snapshot_interval_s, 60, "what was not written has its default");
        let pbx = PbxId::parse(PBX).unwrap();
        let lines = store.lines(&pbx).await.unwrap();
        let known: Vec<_> =
            lines.iter().map(|line| (line.tapi_id, line.number.as_str(), line.body.kind, line.body.enabled)).collect();
        assert_eq!(
            known,
            [(1, "201", LineKind::Static, true), (2, "205", LineKind::ExtensionMobility, false)],
            "schema {schema}"
        );
        assert_eq!(lines[0].body.labels["crm"], "anna");
        let hash: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let token = store.token_by_hash(&hash).await.unwrap().unwrap();
        assert_eq!(
            (token.name.as_str(), token.scope, token.lines.unwrap()),
            ("crm", Scope::Control, vec![lines[0].id.clone()])
        );
        assert!(store.setting(&format!("axl.hints/{PBX}")).await.unwrap().unwrap().contains("8.6"));
        let crm = TokenId::parse("tok_01a215f0b9e47251b08926795704bd62").unwrap();
        let claim = store.claim_key(&crm, "once", &[1; 32], token.created_at).await.unwrap();
        assert_eq!(claim, Claim::OtherBody, "the key is taken");
        // A new line never gets the number of another one.
        let mut more = [super::line(&pbxs[0], "206", None)];
        store.write_lines(&mut more).await.unwrap();
        assert_eq!(more[0].tapi_id, 3);

        let living = store.live_calls().await.unwrap();
        assert_eq!(living.len(), usize::from(schema >= 2), "schema {schema}");
        assert!(living.iter().all(|call| call.state == CallState::Ringback));
        assert_eq!(store.live_lives().await.unwrap().len(), living.len());
        let events = store.events_after(0, 10).await.unwrap();
        assert_eq!(
            events.iter().map(|event| event.seq).collect::<Vec<u64>>(),
            if schema >= 2 { vec![24] } else { vec![] }
        );
        let wanted = FinishedQuery { number: Some("208".to_owned()), limit: 10, ..FinishedQuery::default() };
        assert_eq!(store.finished_calls(&wanted).await.unwrap().len(), usize::from(schema >= 3));
        let wanted = BlindQuery { limit: 10, ..BlindQuery::default() };
        assert_eq!(store.blind_times(&wanted).await.unwrap().len(), usize::from(schema >= 3));
        let rules = store.number_rules(&pbx).await.unwrap();
        assert_eq!(
            rules.map(|rules| (rules.version, rules.body.contains("^0(.*)"))),
            (schema >= 4).then_some((2, true))
        );
    }
}
