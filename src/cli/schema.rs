//! `txspec schema`: JSON Schemas, so that editors complete and check.

use clap::{Args, ValueEnum};

use super::{Exit, terminal::Terminal};
use crate::{
    document::yaml_schema, report, scenario::ScenarioFile, spec::RequirementFile, target::TargetSpec,
    vendor::Vendor,
};

/// Print the JSON Schema of a file format.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  txspec schema scenario > schemas/scenario.schema.json")]
pub struct SchemaArguments {
    /// Which format.
    #[arg(value_enum)]
    format: SchemaName,
}

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    /// Scenario files.
    Scenario,
    /// Target files.
    Target,
    /// report.json.
    Report,
    /// Files of the requirement catalogue.
    Requirements,
    /// Vendor fixtures: products as they are documented.
    Vendor,
}

impl SchemaName {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Scenario, Self::Target, Self::Report, Self::Requirements, Self::Vendor];

    /// The file under `schemas/` that holds it.
    pub fn file(self) -> &'static str {
        match self {
            Self::Scenario => "scenario.schema.json",
            Self::Target => "target.schema.json",
            Self::Report => "report.schema.json",
            Self::Requirements => "requirements.schema.json",
            Self::Vendor => "vendor.schema.json",
        }
    }

    /// The schema.
    pub fn schema(self) -> serde_json::Value {
        match self {
            Self::Scenario => yaml_schema::<ScenarioFile>(),
            Self::Target => yaml_schema::<TargetSpec>(),
            Self::Report => report::json::schema().to_value(),
            Self::Requirements => yaml_schema::<RequirementFile>(),
            Self::Vendor => yaml_schema::<Vendor>(),
        }
    }

    /// Its text.
    pub fn text(self) -> String {
        format!("{:#}\n", self.schema())
    }
}

/// Prints a schema.
pub fn run(arguments: &SchemaArguments, terminal: &Terminal) -> Exit {
    terminal.out(&arguments.format.text());
    Exit::Ok
}
