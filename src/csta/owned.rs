//! From borrowed to owned: the decoder borrows from the body; what must outlive it is copied once, on request.

use std::borrow::Cow;

/// A value taken from a message: borrowed from the body, owned only where an entity or another charset forced a copy.
pub type Text<'a> = Cow<'a, str>;

/// Values that can let go of the body they were decoded from.
pub(super) trait IntoStatic {
    /// The same value without a borrow.
    type Owned;
    fn into_static(self) -> Self::Owned;
}

impl IntoStatic for Text<'_> {
    type Owned = Text<'static>;
    fn into_static(self) -> Text<'static> {
        Cow::Owned(self.into_owned())
    }
}

impl<T: IntoStatic> IntoStatic for Option<T> {
    type Owned = Option<T::Owned>;
    fn into_static(self) -> Self::Owned {
        self.map(T::into_static)
    }
}

impl<T: IntoStatic> IntoStatic for Vec<T> {
    type Owned = Vec<T::Owned>;
    fn into_static(self) -> Self::Owned {
        self.into_iter().map(T::into_static).collect()
    }
}

/// `into_owned` for a struct: the fields before `;` are borrowed and copied, those after it are plain values and moved.
macro_rules! owned_struct {
    ($name:ident { $($copied:ident),* $(; $($moved:ident),*)? }) => {
        impl $crate::csta::owned::IntoStatic for $name<'_> {
            type Owned = $name<'static>;
            fn into_static(self) -> $name<'static> {
                $name {
                    $($copied: $crate::csta::owned::IntoStatic::into_static(self.$copied),)*
                    $($($moved: self.$moved,)*)?
                }
            }
        }
        $crate::csta::owned::owned_method!($name);
    };
}

/// The public face of `IntoStatic`.
macro_rules! owned_method {
    ($name:ident) => {
        impl $name<'_> {
            /// The same value without a borrow of the message body; copies every text once.
            #[must_use]
            pub fn into_owned(self) -> $name<'static> {
                $crate::csta::owned::IntoStatic::into_static(self)
            }
        }
    };
}

pub(super) use owned_method;
pub(super) use owned_struct;
