//! Names on the command line of what libraries call otherwise.

/// Makes the values of a flag, which have names and a help, those of a library's type.
macro_rules! stands_for {
    ($names:ident => $library:ty { $($name:ident $(=> $other:ident)?),+ $(,)? }) => {
        impl From<$names> for $library {
            fn from(name: $names) -> Self {
                match name {
                    $($names::$name => $crate::cli::flags::names::variant!($name $($other)?)),+
                }
            }
        }
    };
}

/// The library's name: the other one, if there is one.
macro_rules! variant {
    ($name:ident) => {
        Self::$name
    };
    ($name:ident $other:ident) => {
        Self::$other
    };
}

pub(crate) use {stands_for, variant};
