//! The schema of a foreign file with its promises about bytes taken away.
//!
//! A column that is annotated as UTF-8 is checked by the reader a page at a time, so that one bad value costs its neighbours; one that
//! is not annotated is not checked at all. Without the annotation both are bytes, and every value is checked by itself.

use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::errors::Result;
use parquet::file::metadata::{FileMetaData, ParquetMetaData, ParquetMetaDataBuilder};
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};

/// The same file, whose strings are bytes; columns that are not wanted are nothing but their physical types, so that no
/// oddity of theirs can cost the file.
pub(super) fn without_strings(metadata: ParquetMetaData, wanted: &dyn Fn(&str) -> bool) -> Result<ParquetMetaData> {
    let file = metadata.file_metadata();
    let root = file.schema_descr().root_schema();
    let fields = root.get_fields().iter().map(|field| strip(field, wanted(field.name()))).collect::<Result<_>>()?;
    let schema = Type::group_type_builder(root.name()).with_fields(fields).build()?;
    let descriptor = Arc::new(SchemaDescriptor::new(Arc::new(schema)));
    let created_by = file.created_by().map(str::to_owned);
    let file = FileMetaData::new(file.version(), file.num_rows(), created_by, None, descriptor, None);
    let groups = ParquetMetaDataBuilder::new_from_metadata(metadata).take_row_groups();
    Ok(ParquetMetaDataBuilder::new(file).set_row_groups(groups).build())
}

fn strip(field: &TypePtr, wanted: bool) -> Result<TypePtr> {
    let info = field.get_basic_info();
    let id = info.has_id().then(|| info.id());
    let bare = match &**field {
        Type::PrimitiveType { .. } if wanted && !is_text(field) => return Ok(Arc::clone(field)),
        Type::PrimitiveType { physical_type, type_length, .. } => Type::primitive_type_builder(field.name(), *physical_type)
            .with_repetition(info.repetition())
            .with_length(*type_length)
            .with_id(id)
            .build()?,
        Type::GroupType { fields, .. } => {
            let fields = fields.iter().map(|field| strip(field, wanted)).collect::<Result<_>>()?;
            let mut group = Type::group_type_builder(field.name()).with_fields(fields).with_id(id);
            if info.has_repetition() {
                group = group.with_repetition(info.repetition());
            }
            if wanted {
                group = group.with_logical_type(info.logical_type_ref().cloned()).with_converted_type(info.converted_type());
            }
            group.build()?
        }
    };
    Ok(Arc::new(bare))
}

fn is_text(field: &Type) -> bool {
    let info = field.get_basic_info();
    let converted = info.converted_type();
    field.get_physical_type() == Physical::BYTE_ARRAY
        && match info.logical_type_ref() {
            Some(logical) => matches!(logical, LogicalType::String | LogicalType::Json | LogicalType::Enum),
            None => matches!(converted, ConvertedType::UTF8 | ConvertedType::JSON | ConvertedType::ENUM),
        }
}
