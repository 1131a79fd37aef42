//! The kinds of personal data, and a stretch of text that is one of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of personal data. Its name is the same in the plan, in the column `pii`, in `rejected/` and in placeholders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// Telephone and fax numbers.
    Phone,
    /// Mail addresses.
    Email,
    /// Postal codes (郵便番号).
    PostalCode,
    /// Street addresses, with building and room.
    Address,
    /// Individual numbers (個人番号, マイナンバー).
    MyNumber,
    /// Payment card numbers.
    CreditCard,
    /// Numbers of driver's licences (運転免許証).
    DriverLicense,
    /// Passport numbers (旅券番号).
    Passport,
    /// Basic pension numbers (基礎年金番号).
    PensionNumber,
    /// Bank accounts (口座), with bank and branch.
    BankAccount,
    /// Dates of birth.
    DateOfBirth,
    /// Public IP addresses.
    IpAddress,
    /// Names of people beside an honorific or a label.
    Person,
}

impl Kind {
    /// All kinds, in the order of the columns; the number of a kind is its place here.
    pub const ALL: [Self; 13] = [
        Self::Phone,
        Self::Email,
        Self::PostalCode,
        Self::Address,
        Self::MyNumber,
        Self::CreditCard,
        Self::DriverLicense,
        Self::Passport,
        Self::PensionNumber,
        Self::BankAccount,
        Self::DateOfBirth,
        Self::IpAddress,
        Self::Person,
    ];

    /// Its name: `PHONE`, `EMAIL` …
    pub fn name(self) -> &'static str {
        match self {
            Self::Phone => "PHONE",
            Self::Email => "EMAIL",
            Self::PostalCode => "POSTAL_CODE",
            Self::Address => "ADDRESS",
            Self::MyNumber => "MY_NUMBER",
            Self::CreditCard => "CREDIT_CARD",
            Self::DriverLicense => "DRIVER_LICENSE",
            Self::Passport => "PASSPORT",
            Self::PensionNumber => "PENSION_NUMBER",
            Self::BankAccount => "BANK_ACCOUNT",
            Self::DateOfBirth => "DATE_OF_BIRTH",
            Self::IpAddress => "IP_ADDRESS",
            Self::Person => "PERSON",
        }
    }

    /// What stands in a text instead of it: the name in angle brackets, `<PHONE>`. No placeholder is found as personal data, and
    /// normalisation leaves it as it is.
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Phone => "<PHONE>",
            Self::Email => "<EMAIL>",
            Self::PostalCode => "<POSTAL_CODE>",
            Self::Address => "<ADDRESS>",
            Self::MyNumber => "<MY_NUMBER>",
            Self::CreditCard => "<CREDIT_CARD>",
            Self::DriverLicense => "<DRIVER_LICENSE>",
            Self::Passport => "<PASSPORT>",
            Self::PensionNumber => "<PENSION_NUMBER>",
            Self::BankAccount => "<BANK_ACCOUNT>",
            Self::DateOfBirth => "<DATE_OF_BIRTH>",
            Self::IpAddress => "<IP_ADDRESS>",
            Self::Person => "<PERSON>",
        }
    }

    /// The kind of a number; `None` if there is none.
    pub fn of_number(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).copied()
    }

    /// Its place in [`Kind::ALL`].
    pub fn number(self) -> u32 {
        self as u32
    }
}

/// A stretch of a text, in bytes, half open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
    /// What it is.
    pub kind: Kind,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_numbers_and_placeholders_agree() {
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!((kind.number() as usize, Kind::of_number(number as u32)), (number, Some(kind)));
            assert_eq!(kind.placeholder(), format!("<{}>", kind.name()));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(Kind::of_number(13), None);
    }
}
