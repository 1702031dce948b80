//! `topic_label(topic_id)`: the name of a stored topic.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    Coercion, ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, TypeSignatureClass, Volatility,
};

use super::text_function::SECTION;
use crate::model::{ActiveModels, ModelSet};

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The name of a topic by its number in messages.topic_id. Names are looked up when read, so that \
renaming a topic rewrites nothing. A number belongs to one model: numbers that another model than \
the active one has stored keep their names. NULL for NULL and for a number that no model has.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = Documentation::builder(SECTION, DESCRIPTION, "topic_label(topic_id)")
        .with_argument(
            "topic_id",
            "The number of a topic, an integer. NULL gives NULL.",
        )
        .with_sql_example("SELECT topic_label(topic_id), count(*) FROM messages GROUP BY 1;")
        .with_related_udf("topic")
        .build();
    let integer = Coercion::new_exact(TypeSignatureClass::Integer);
    let signature = Signature::coercible(vec![integer], Volatility::Immutable);
    ScalarUDF::from(TopicLabel {
        signature,
        documentation,
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct TopicLabel {
    signature: Signature,
    documentation: Documentation,
}

impl ScalarUDFImpl for TopicLabel {
    fn name(&self) -> &str {
        "topic_label"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [ids] = arguments.args.as_slice() else {
            return exec_err!("topic_label takes one number");
        };
        let is_constant = matches!(ids, ColumnarValue::Scalar(_));
        let ids = ids.to_array(if is_constant {
            1
        } else {
            arguments.number_rows
        })?;
        let models = ActiveModels::of(&arguments.config_options);
        Ok(ColumnarValue::Array(labels(models, &ids)?))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// The labels of topic numbers of any integer type.
pub(super) fn labels(models: &ModelSet, ids: &ArrayRef) -> Result<ArrayRef> {
    let ids = cast(ids, &DataType::Int64)?;
    let mut labels = StringBuilder::with_capacity(ids.len(), ids.len() * 16);
    for id in ids.as_primitive::<Int64Type>() {
        labels.append_option(id.and_then(|id| models.topic_name(id)));
    }
    Ok(Arc::new(labels.finish()))
}
