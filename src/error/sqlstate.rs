//! The SQLSTATE codes that the engine answers with, as PostgreSQL names them.

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $code;)*
    };
}

states! {
    /// A value for a column that the engine alone writes.
    GENERATED_ALWAYS = "428C9";
    /// The statement finished.
    SUCCESSFUL_COMPLETION = "00000";
    /// The server is at its connection limit.
    TOO_MANY_CONNECTIONS = "53300";
    /// A number of parameters or columns does not fit the protocol message.
    PROTOCOL_VIOLATION = "08P01";
    /// A feature that the engine does not have.
    FEATURE_NOT_SUPPORTED = "0A000";
    /// A value outside of its type's range.
    NUMERIC_VALUE_OUT_OF_RANGE = "22003";
    /// A date or time outside of its type's range.
    DATETIME_FIELD_OVERFLOW = "22008";
    /// A division by zero.
    DIVISION_BY_ZERO = "22012";
    /// A parameter or setting with a value that it cannot take.
    INVALID_PARAMETER_VALUE = "22023";
    /// A text that is no date or time.
    INVALID_DATETIME_FORMAT = "22007";
    /// A text that is no value of its type.
    INVALID_TEXT_REPRESENTATION = "22P02";
    /// A line of COPY input that cannot be read.
    BAD_COPY_FILE_FORMAT = "22P04";
    /// A NULL in a column that does not take it.
    NOT_NULL_VIOLATION = "23502";
    /// A row that breaks a rule of its table.
    CHECK_VIOLATION = "23514";
    /// A key that is there already.
    UNIQUE_VIOLATION = "23505";
    /// A cursor in a state that does not allow the operation.
    INVALID_CURSOR_STATE = "24000";
    /// A command that needs an open transaction, or none.
    ACTIVE_SQL_TRANSACTION = "25001";
    /// A write in a read-only transaction.
    READ_ONLY_SQL_TRANSACTION = "25006";
    /// A command that needs an open transaction.
    NO_ACTIVE_SQL_TRANSACTION = "25P01";
    /// A command in a transaction that has failed.
    IN_FAILED_SQL_TRANSACTION = "25P02";
    /// A transaction was open for too long without a statement.
    IDLE_IN_TRANSACTION_SESSION_TIMEOUT = "25P03";
    /// A prepared statement that does not exist.
    INVALID_SQL_STATEMENT_NAME = "26000";
    /// A user that does not exist or may not log in.
    INVALID_AUTHORIZATION = "28000";
    /// A wrong password.
    INVALID_PASSWORD = "28P01";
    /// What is run for the statement, and is not the engine's own, failed.
    EXTERNAL_ROUTINE_EXCEPTION = "38000";
    /// A cursor that does not exist.
    INVALID_CURSOR_NAME = "34000";
    /// A savepoint that does not exist.
    INVALID_SAVEPOINT = "3B001";
    /// A database that does not exist.
    INVALID_CATALOG_NAME = "3D000";
    /// A schema that does not exist.
    INVALID_SCHEMA_NAME = "3F000";
    /// Another writer changed what this statement relied upon; it may be tried again.
    SERIALIZATION_FAILURE = "40001";
    /// A permission that the user does not have.
    INSUFFICIENT_PRIVILEGE = "42501";
    /// An object that cannot be dropped because something else depends on it.
    DEPENDENT_OBJECTS_STILL_EXIST = "2BP01";
    /// A statement that cannot be parsed.
    SYNTAX_ERROR = "42601";
    /// A column that is there twice.
    DUPLICATE_COLUMN = "42701";
    /// A column name that could mean several columns.
    AMBIGUOUS_COLUMN = "42702";
    /// A column that does not exist.
    UNDEFINED_COLUMN = "42703";
    /// An object, such as a setting or a user, that does not exist.
    UNDEFINED_OBJECT = "42704";
    /// A user or another object that is there already.
    DUPLICATE_OBJECT = "42710";
    /// A table name that is there twice.
    DUPLICATE_ALIAS = "42712";
    /// A column that is neither grouped nor aggregated.
    GROUPING_ERROR = "42803";
    /// An expression of the wrong type.
    DATATYPE_MISMATCH = "42804";
    /// An object of another kind than the statement needs.
    WRONG_OBJECT_TYPE = "42809";
    /// A function, or a call with such arguments, that does not exist.
    UNDEFINED_FUNCTION = "42883";
    /// A table or view that does not exist.
    UNDEFINED_TABLE = "42P01";
    /// A parameter that does not exist.
    UNDEFINED_PARAMETER = "42P02";
    /// A cursor that is there already.
    DUPLICATE_CURSOR = "42P03";
    /// A prepared statement that is there already.
    DUPLICATE_PREPARED_STATEMENT = "42P05";
    /// A table or view that is there already.
    DUPLICATE_TABLE = "42P07";
    /// A parameter whose type cannot be told.
    INDETERMINATE_DATATYPE = "42P18";
    /// A view definition or a table that cannot be made.
    INVALID_TABLE_DEFINITION = "42P16";
    /// The memory limit or the disk is used up.
    OUT_OF_MEMORY = "53200";
    /// More than a statement may take in.
    PROGRAM_LIMIT_EXCEEDED = "54000";
    /// A statement nested or chained too deeply.
    STATEMENT_TOO_COMPLEX = "54001";
    /// An object that something else depends upon.
    OBJECT_NOT_IN_PREREQUISITE_STATE = "55000";
    /// A setting that cannot be changed now.
    CANT_CHANGE_RUNTIME_PARAM = "55P02";
    /// The statement was cancelled or took too long.
    QUERY_CANCELED = "57014";
    /// The server is shutting down.
    ADMIN_SHUTDOWN = "57P01";
    /// A session waited too long for its next statement.
    IDLE_SESSION_TIMEOUT = "57P05";
    /// Something outside of the engine that it needs is not there.
    SYSTEM_ERROR = "58000";
    /// Reading or writing failed.
    IO_ERROR = "58030";
    /// A file of the server's machine that does not exist.
    UNDEFINED_FILE = "58P01";
    /// A defect of the engine.
    INTERNAL_ERROR = "XX000";
}
