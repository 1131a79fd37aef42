//! Which columns a stage reads and makes: the schema that follows from a schema, and the check of a batch.
//!
//! A column that is missing or has another type is an error of whoever made the batch ([`Error::Refused`]): our own passes are
//! chained with [`Contract::output`] when the plan is built, so what is wrong later comes from a user's table.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema};

use super::convert::convert;
use crate::error::{Error, Result};
use crate::schema::Column;

/// Which columns a stage reads and which it adds or replaces.
#[derive(Debug, Clone, Default)]
pub struct Contract {
    /// Columns that must be there. Of a struct, the fields named in its type must be there; it may have more.
    pub reads: Vec<Column>,
    /// Columns that are there afterwards.
    pub adds: Vec<Column>,
}

impl Contract {
    /// The schema of what the stage makes of batches of the schema `input`: columns it reads in the type it reads them,
    /// columns it makes in place of those of the same name, or after all others. Metadata of the schema is not kept.
    ///
    /// # Errors
    /// [`Error::Refused`], as [`Contract::admit`] has it; `stage` is the name in the message.
    pub fn output(&self, stage: &str, input: &Schema) -> Result<Schema> {
        let mut fields = self.admitted(stage, input)?;
        for column in &self.adds {
            let field = Arc::new(column.field());
            match fields.iter_mut().find(|field| field.name() == column.name) {
                Some(there) => *there = field,
                None => fields.push(field),
            }
        }
        Ok(Schema::new(fields))
    }

    /// The batch with the columns read in the type the stage reads: text of any layout as Utf8, lists of any layout as List.
    ///
    /// # Errors
    /// [`Error::Refused`] names the stage, the column, the type found and the type wanted.
    pub fn admit(&self, stage: &str, batch: RecordBatch) -> Result<RecordBatch> {
        let fields = self.admitted(stage, batch.schema_ref())?;
        let schema = batch.schema();
        if fields.iter().zip(schema.fields()).all(|(wanted, found)| wanted.data_type() == found.data_type()) {
            return Ok(batch);
        }
        let columns = fields.iter().zip(batch.columns()).map(|(field, array)| {
            convert(array, field.data_type()).map_err(|reason| {
                let message = format!("stage {stage}: column {} ({}) {reason}", field.name(), array.data_type());
                Error::refused_with_hint(message, "pass batches of fewer rows, without nulls inside of lists")
            })
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
    }

    /// The fields of the batch, those that are read in the type they are read.
    fn admitted(&self, stage: &str, input: &Schema) -> Result<Vec<Arc<Field>>> {
        let mut fields = input.fields().to_vec();
        for column in &self.reads {
            let mut named = fields.iter_mut().filter(|field| field.name() == column.name);
            let field = named.next().ok_or_else(|| missing(stage, column, input))?;
            if named.next().is_some() {
                return Err(Error::refused(format!("stage {stage}: there are two columns {}", column.name)));
            }
            let wanted = (column.data_type)();
            let admitted = admitted_type(field.data_type(), &wanted).ok_or_else(|| mismatch(stage, column, field.data_type(), &wanted))?;
            if admitted != *field.data_type() {
                *field = Arc::new(field.as_ref().clone().with_data_type(admitted));
            }
        }
        Ok(fields)
    }
}

/// The type in which a column of type `found` is read where `wanted` is asked for; `None` if it cannot be.
fn admitted_type(found: &DataType, wanted: &DataType) -> Option<DataType> {
    match (found, wanted) {
        // A field that is asked for by name only.
        (_, DataType::Null) => Some(found.clone()),
        (DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View, DataType::Utf8) => Some(DataType::Utf8),
        (DataType::List(found) | DataType::LargeList(found), DataType::List(element)) => {
            (found.data_type() == element.data_type()).then(|| wanted.clone())
        }
        (DataType::Struct(_), DataType::Struct(_)) => wrong_field(found, wanted).is_none().then(|| found.clone()),
        _ => (found == wanted).then(|| wanted.clone()),
    }
}

/// The first field of the struct `wanted` that the struct `found` lacks, or has in another type. Fields are not converted.
fn wrong_field<'a>(found: &DataType, wanted: &'a DataType) -> Option<&'a Field> {
    let (DataType::Struct(found), DataType::Struct(wanted)) = (found, wanted) else { return None };
    let holds = |field: &Field| {
        let there = found.find(field.name()).map(|(_, there)| there.data_type());
        there.is_some_and(|there| field.data_type() == &DataType::Null || there == field.data_type())
    };
    wanted.iter().map(AsRef::as_ref).find(|field| !holds(field))
}

fn missing(stage: &str, column: &Column, input: &Schema) -> Error {
    let there: Vec<&str> = input.fields().iter().map(|field| field.name().as_str()).collect();
    let message = format!("stage {stage}: column {} ({}) is missing; there are: {}", column.name, (column.data_type)(), there.join(", "));
    Error::refused_with_hint(message, format!("give it under this name: {}", column.about))
}

fn mismatch(stage: &str, column: &Column, found: &DataType, wanted: &DataType) -> Error {
    let name = column.name;
    if let (DataType::Struct(fields), Some(field)) = (found, wrong_field(found, wanted)) {
        let message = match fields.find(field.name()) {
            Some((_, there)) => format!("field {} is {}, wanted {}", field.name(), there.data_type(), field.data_type()),
            None => format!("field {} is missing", field.name()),
        };
        return Error::refused_with_hint(format!("stage {stage}: column {name}: {message}"), "make the column anew with this version");
    }
    let hint = match wanted {
        DataType::Utf8 => "text may be Utf8, LargeUtf8 or Utf8View",
        DataType::List(_) => "a list may be List or LargeList, of exactly these values",
        _ => "cast it before",
    };
    Error::refused_with_hint(format!("stage {stage}: column {name} is {found}, wanted {wanted}"), hint)
}
