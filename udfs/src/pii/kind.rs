//! The kinds of personal data.

use std::str::FromStr;

use super::error::PiiError;

/// A kind of personal data. The order is the priority among equally long finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum EntityKind {
    /// Bank account number, checked by country length and modulo 97.
    Iban,
    /// Payment card number, checked by issuer, length and Luhn digit.
    Card,
    /// Social security number of the United States, checked by the ranges in use.
    Ssn,
    /// National number of a person: United Kingdom, Spain, Italy, France, Brazil, Canada.
    NationalId,
    /// E-mail address.
    Email,
    /// IPv4 or IPv6 address.
    Ip,
    /// Web address.
    Url,
    /// Telephone number.
    Phone,
    /// Postal address or the part of one that leads to a door.
    Address,
    /// Name of a person, where the text says that it is one.
    Person,
}

impl EntityKind {
    /// Every kind, by priority.
    pub const ALL: [EntityKind; 10] = [
        EntityKind::Iban,
        EntityKind::Card,
        EntityKind::Ssn,
        EntityKind::NationalId,
        EntityKind::Email,
        EntityKind::Ip,
        EntityKind::Url,
        EntityKind::Phone,
        EntityKind::Address,
        EntityKind::Person,
    ];

    /// The name in SQL, upper case.
    pub const fn name(self) -> &'static str {
        match self {
            EntityKind::Iban => "IBAN",
            EntityKind::Card => "CARD",
            EntityKind::Ssn => "SSN",
            EntityKind::NationalId => "NATIONAL_ID",
            EntityKind::Email => "EMAIL",
            EntityKind::Ip => "IP",
            EntityKind::Url => "URL",
            EntityKind::Phone => "PHONE",
            EntityKind::Address => "ADDRESS",
            EntityKind::Person => "PERSON",
        }
    }
}

impl FromStr for EntityKind {
    type Err = PiiError;

    /// The kind of a name in any case.
    fn from_str(name: &str) -> Result<Self, PiiError> {
        EntityKind::ALL
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name.trim()))
            .ok_or_else(|| PiiError::UnknownKind {
                name: name.to_owned(),
            })
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityKinds(u16);

impl EntityKinds {
    /// Every kind.
    pub const ALL: EntityKinds = EntityKinds(u16::MAX);
    /// No kind.
    pub const NONE: EntityKinds = EntityKinds(0);

    /// This set and `kind`.
    #[must_use]
    pub const fn with(self, kind: EntityKind) -> EntityKinds {
        EntityKinds(self.0 | 1 << kind as u8)
    }

    /// Whether `kind` is in the set.
    pub const fn has(self, kind: EntityKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}
