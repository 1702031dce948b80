//! Object ids that stay the same from one statement, process and machine to the next.

/// The first id that PostgreSQL gives to users' objects.
const FIRST: u32 = 16_384;

/// The id of the schema `pg_catalog`, to which the shipped catalogs refer.
pub(super) const PG_CATALOG: i32 = 11;

/// The id of an object of a kind (`schema`, `relation`, `function`, `user`) by its full name.
///
/// A hash (FNV-1a) of the name within the range of users' objects that fits a signed integer.
pub(super) fn of(kind: &str, name: &str) -> i32 {
    let hash = kind
        .bytes()
        .chain([0])
        .chain(name.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    let room = u64::from(i32::MAX as u32 - FIRST);
    (u64::from(FIRST) + hash % room) as i32
}

/// The id of a schema.
pub(super) fn schema(name: &str) -> i32 {
    match name {
        "pg_catalog" => PG_CATALOG,
        name => of("schema", name),
    }
}

/// The id of a table or view.
pub(super) fn relation(schema: &str, name: &str) -> i32 {
    of("relation", &format!("{schema}.{name}"))
}

/// The id of a user; the owner of everything is the user `verbatim`.
pub(super) fn user(name: &str) -> i32 {
    match name {
        super::super::DATABASE => 10,
        name => of("user", name),
    }
}
