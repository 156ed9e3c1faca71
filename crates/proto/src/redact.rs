//! Who sees a field: the `visible` option of the contract.

use crate::v1::role;

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct RoleSet(u16);

impl RoleSet {
    /// The set whose bits are role numbers.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The set with one more role.
    #[must_use]
    pub const fn with(self, role: role::Code) -> Self {
        Self(self.0 | 1 << role as u16)
    }

    /// Whether the role is in the set.
    #[must_use]
    pub const fn contains(self, role: role::Code) -> bool {
        self.0 & (1 << role as u16) != 0
    }

    /// Whether the sets share a role.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether nobody is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The roles of the set, by number.
    pub fn iter(self) -> impl Iterator<Item = role::Code> {
        (0..16).filter(move |bit| self.0 & (1 << bit) != 0).filter_map(|bit| role::Code::try_from(bit).ok())
    }
}

impl FromIterator<role::Code> for RoleSet {
    fn from_iter<I: IntoIterator<Item = role::Code>>(roles: I) -> Self {
        roles.into_iter().fold(Self::default(), Self::with)
    }
}

/// Who looks at a row.
#[derive(Debug, Clone, Copy)]
pub struct Viewer {
    /// The viewer's roles.
    pub roles: RoleSet,
    /// Whether the row is one of the viewer's own organisation.
    pub own: bool,
}

impl Viewer {
    /// Whether a field is hidden that `roles` see everywhere and `own` see on
    /// rows of their organisation.
    #[must_use]
    pub const fn hides(&self, roles: RoleSet, own: RoleSet) -> bool {
        !(self.roles.meets(roles) || (self.own && self.roles.meets(own)))
    }
}

/// Clears what a viewer may not see, in the message and everything in it.
pub trait Redact {
    /// Clears the hidden fields.
    fn redact(&mut self, viewer: &Viewer);
}

impl Redact for pbjson_types::Empty {
    fn redact(&mut self, _viewer: &Viewer) {}
}

/// One field that some viewers do not see.
#[derive(Debug, Clone, Copy)]
pub struct Redaction {
    /// The full name of the message.
    pub message: &'static str,
    /// The field.
    pub field: &'static str,
    /// The roles that see it on every row.
    pub roles: RoleSet,
    /// The roles that see it on rows of their own organisation.
    pub own: RoleSet,
}
