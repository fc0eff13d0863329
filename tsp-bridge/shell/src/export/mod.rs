//! The exports. Their names and parameters are TSPI's (manual, section 7; dossier 2.10).

mod call;
mod dialog;
mod line;
mod provider;

/// An export of the service side. It pins the module and catches what panics.
macro_rules! export {
    ($(#[$doc:meta])* fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $work:block) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// Called by TAPI as its documentation says.
        #[unsafe(no_mangle)]
        #[allow(non_snake_case, reason = "TAPI looks the functions up by these names")]
        pub unsafe extern "system" fn $name($($argument: $kind),*) -> i32 {
            $crate::door::pin();
            $crate::door::enter(
                stringify!($name),
                format_args!(concat!($(stringify!($argument), "={} "),*), $($crate::trace::Shown($argument)),*),
                || $work,
            )
        }
    };
}

/// An export of the dialog side, which runs in programs and leaves nothing behind.
macro_rules! export_dialog {
    ($(#[$doc:meta])* fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $work:block) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// Called by TAPI as its documentation says.
        #[unsafe(no_mangle)]
        #[allow(non_snake_case, reason = "TAPI looks the functions up by these names")]
        pub unsafe extern "system" fn $name($($argument: $kind),*) -> i32 {
            $crate::door::enter(
                stringify!($name),
                format_args!(concat!($(stringify!($argument), "={} "),*), $($crate::trace::Shown($argument)),*),
                || $work,
            )
        }
    };
}

pub(crate) use {export, export_dialog};
