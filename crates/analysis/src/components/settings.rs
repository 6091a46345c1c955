//! What is evaluated.

use models::Attack;

use super::component::{ComponentPlan, ComponentRequest};

/// What is measured of a network. The default is what it gets right on the images themselves.
#[derive(Debug, Clone, Default)]
pub struct EvaluationSettings {
    /// On which frequency components.
    pub components: ComponentRequest,
    /// On images that an adversary changed, too. Components stay those of unchanged images.
    pub attack: Option<Attack>,
    /// Also how the features before the linear layer separate classes.
    pub features: bool,
    /// What the densities of features are drawn over.
    pub projection: Projection,
}

/// One number of an image's features.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Projection {
    /// The coordinate along the first principal axis of a component's features.
    #[default]
    Pc1,
    /// The mean activation.
    Mean,
}

impl EvaluationSettings {
    /// All components, in the order in which they are measured.
    pub fn plan(&self) -> ComponentPlan {
        let plan = self.components.plan(self.features);
        if self.attack.is_some() { plan.attacked() } else { plan }
    }
}
