//! What names and calls stand for.

use crate::{
    error::Refusal,
    value::{Object, Value},
    values::Values,
};

/// What a pickle's names and calls stand for. Nothing that a pickle names is ever run: an implementation says what a call
/// would give, or refuses it.
pub trait Calls {
    /// What calls make beside plain values.
    type Made;

    /// Whether a name of code may stand in the pickle. By default any may: a name does nothing.
    ///
    /// # Errors
    /// If it may not.
    fn name(&self, module: &[u8], name: &[u8]) -> Result<(), Refusal> {
        let _ = (module, name);
        Ok(())
    }

    /// What `function(*arguments)` gives (the opcode `REDUCE`).
    ///
    /// # Errors
    /// If the call is not taken.
    fn call(
        &self,
        values: Values<'_, Self::Made>,
        function: Value,
        arguments: Value,
    ) -> Result<Answer<Self::Made>, Refusal>;

    /// What an instance of a class is (`NEWOBJ`, `NEWOBJ_EX`, `OBJ`, `INST`); the arguments of its constructor are dropped.
    ///
    /// # Errors
    /// If none is taken, the default.
    fn instance(&self, values: Values<'_, Self::Made>, class: Value) -> Result<Answer<Self::Made>, Refusal> {
        let _ = (values, class);
        Err(Refusal::new("an object of a class", "plain values"))
    }

    /// What stands outside the pickle under an id (`BINPERSID`).
    ///
    /// # Errors
    /// If nothing does, the default.
    fn persistent(&self, values: Values<'_, Self::Made>, id: Value) -> Result<Answer<Self::Made>, Refusal> {
        let _ = (values, id);
        Err(Refusal::new("a reference to what stands outside the pickle", "values inside it"))
    }

    /// What becomes of an object that is given a state (`BUILD`); `None` leaves it as it is.
    ///
    /// # Errors
    /// If it takes no state, the default.
    fn build(
        &self,
        values: Values<'_, Self::Made>,
        object: Value,
        state: Value,
    ) -> Result<Option<Object<Self::Made>>, Refusal> {
        let _ = (values, object, state);
        Err(Refusal::new("a state for what takes none", "an object that has one"))
    }

    /// Whether what is appended to such an object, or set in it, is dropped. By default it is an error.
    fn drops_entries(&self, made: &Self::Made) -> bool {
        let _ = made;
        false
    }

    /// How many values such an object holds: they count as steps.
    fn weight(&self, made: &Self::Made) -> usize {
        let _ = made;
        0
    }
}

/// What a call gives.
#[derive(Debug)]
pub enum Answer<M> {
    /// A value that is there already, or a plain one.
    Value(Value),
    /// A new object.
    Object(Object<M>),
}

impl<M> From<Object<M>> for Answer<M> {
    fn from(object: Object<M>) -> Self {
        Self::Object(object)
    }
}

impl<M> From<Value> for Answer<M> {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}
