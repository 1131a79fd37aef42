//! The bytes of a page as the tokeniser reads them.

use std::convert::Infallible;

use html5gum::Reader;

/// What is left of a page.
pub(super) struct Bytes<'a> {
    rest: &'a [u8],
    /// Does it hold NUL, which nearly no page does, and CR? Where not, nobody needs to look for them.
    has_nul: bool,
    has_cr: bool,
}

impl<'a> Bytes<'a> {
    pub(super) fn new(page: &'a [u8]) -> Self {
        Self { rest: page, has_nul: memchr::memchr(0, page).is_some(), has_cr: memchr::memchr(b'\r', page).is_some() }
    }

    /// Bytes up to the first of `needles`; at least one.
    #[inline]
    fn until(&self, needles: &[u8]) -> usize {
        let found = match *needles {
            [a, b, 0, b'\r'] if !self.has_nul && !self.has_cr => memchr::memchr2(a, b, self.rest),
            [a, b, 0, b'\r'] if !self.has_nul => memchr::memchr3(a, b, b'\r', self.rest),
            _ => self.rest.iter().position(|byte| needles.contains(byte)),
        };
        found.unwrap_or(self.rest.len()).max(1)
    }
}

impl Reader for Bytes<'_> {
    type Error = Infallible;

    #[inline]
    fn read_byte(&mut self) -> Result<Option<u8>, Infallible> {
        let Some((first, rest)) = self.rest.split_first() else { return Ok(None) };
        self.rest = rest;
        Ok(Some(*first))
    }

    #[inline]
    fn read_until<'b>(&'b mut self, needles: &[u8], _: &'b mut [u8; 4]) -> Result<Option<&'b [u8]>, Infallible> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (read, rest) = self.rest.split_at(self.until(needles));
        self.rest = rest;
        Ok(Some(read))
    }

    fn try_read_string(&mut self, wanted: &[u8], case_sensitive: bool) -> Result<bool, Infallible> {
        let Some((found, rest)) = self.rest.split_at_checked(wanted.len()) else { return Ok(false) };
        let equal = found == wanted || !case_sensitive && found.eq_ignore_ascii_case(wanted);
        if equal {
            self.rest = rest;
        }
        Ok(equal)
    }
}
