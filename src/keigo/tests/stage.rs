//! The stage over the toy dictionary: its columns, and the options it refuses.

use std::sync::Arc;

use arrow::datatypes::{UInt16Type, UInt32Type};

use crate::keigo::tests::toy::{Document, Toy};
use crate::keigo::{Keigo, Thresholds};
use crate::schema;
use crate::stage::{Batch, ListBuilder, Stage, with_column};

fn batch(documents: &[Document]) -> Batch {
    type U32s = ListBuilder<UInt32Type>;
    let (mut ends, mut sentences, mut word) = (U32s::default(), U32s::default(), U32s::default());
    let mut pos = ListBuilder::<UInt16Type>::default();
    for document in documents {
        ends.values.extend(&document.ends);
        ends.end_row().unwrap();
        sentences.values.extend(&document.sentences);
        sentences.end_row().unwrap();
        pos.values.extend(&document.pos);
        pos.end_row().unwrap();
        word.values.extend(&document.word);
        word.end_row().unwrap();
    }
    let texts = arrow::array::StringArray::from_iter_values(documents.iter().map(|document| &document.text));
    let schema = Arc::new(arrow::datatypes::Schema::empty());
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(documents.len()));
    let batch = Batch::try_new_with_options(schema, vec![], &options).unwrap();
    let batch = with_column(&batch, &schema::TEXT, Arc::new(texts)).unwrap();
    let batch = with_column(&batch, &schema::MORPHEME_ENDS, ends.finish().unwrap()).unwrap();
    let batch = with_column(&batch, &schema::SENTENCE_ENDS, sentences.finish().unwrap()).unwrap();
    let batch = with_column(&batch, &schema::MORPHEME_POS, pos.finish().unwrap()).unwrap();
    with_column(&batch, &schema::MORPHEME_WORD, word.finish().unwrap()).unwrap()
}

#[test]
fn the_stage_adds_its_columns() {
    use arrow::array::AsArray;
    let stage = Keigo::new(&Thresholds::default(), &Toy).unwrap();
    let documents = [Document::new("先生|は|帰|ます|。"), Document::new(""), Document::new("本|だ|。|無料|。")];
    let mut worker = stage.worker();
    let out = worker.apply(batch(&documents)).unwrap();
    for column in stage.contract().adds {
        assert_eq!(out.schema().field_with_name(column.name).unwrap(), &column.field());
    }
    let registers: Vec<_> = out.column_by_name("register").unwrap().as_string::<i32>().iter().flatten().collect();
    assert_eq!(registers, ["polite", "none", "plain-written"]);
    let keigo = out.column_by_name("keigo").unwrap().as_struct();
    assert_eq!(keigo.column_by_name("n_sentences").unwrap().as_primitive::<UInt32Type>().values(), &[1, 0, 2]);
    assert!(arrow::array::Array::is_null(keigo.column_by_name("consistency").unwrap(), 1));
    assert_eq!(worker.take_counts().get("register.polite"), Some(&1));
}
