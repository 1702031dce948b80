#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Int32Type, IntervalMonthDayNano, TimeUnit, i256};

use super::*;

fn written(array: ArrayRef, format: Format) -> Vec<Option<Vec<u8>>> {
    let field = Field::new("c", array.data_type().clone(), true);
    written_as(field, array, format)
}

fn written_as(field: Field, array: ArrayRef, format: Format) -> Vec<Option<Vec<u8>>> {
    let column = Column::new(&field, &array, format, Zone::UTC).unwrap();
    (0..array.len())
        .map(|row| {
            let mut out = BytesMut::new();
            (!column.is_null(row)).then(|| {
                column.write(row, &mut out).unwrap();
                out.to_vec()
            })
        })
        .collect()
}

/// The text form of every row; NULL as "∅".
fn text(array: impl Array + 'static) -> Vec<String> {
    written(Arc::new(array), Format::Text)
        .into_iter()
        .map(|value| value.map_or("∅".to_owned(), |bytes| String::from_utf8(bytes).unwrap()))
        .collect()
}

fn binary(array: impl Array + 'static) -> Vec<u8> {
    written(Arc::new(array), Format::Binary).remove(0).unwrap()
}

#[test]
fn integers_of_every_width() {
    assert_eq!(text(Int8Array::from(vec![Some(-8), None])), ["-8", "∅"]);
    assert_eq!(text(UInt16Array::from(vec![65_535])), ["65535"]);
    assert_eq!(binary(UInt8Array::from(vec![255])), [0, 255]);
    assert_eq!(binary(Int16Array::from(vec![-2])), [255, 254]);
    assert_eq!(binary(UInt16Array::from(vec![65_535])), [0, 0, 255, 255]);
    assert_eq!(binary(Int64Array::from(vec![1])), 1_i64.to_be_bytes());
    assert_eq!(
        binary(UInt32Array::from(vec![u32::MAX])),
        (u32::MAX as i64).to_be_bytes()
    );
    assert_eq!(binary(UInt64Array::from(vec![7])), 7_i64.to_be_bytes());
}

#[test]
fn a_count_beyond_bigint_is_refused() {
    let array: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let field = Field::new("c", DataType::UInt64, true);
    let column = Column::new(&field, &array, Format::Text, Zone::UTC).unwrap();
    let error = column.write(0, &mut BytesMut::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "18446744073709551615 is out of range for type bigint"
    );
}

#[test]
fn booleans_and_strings() {
    assert_eq!(
        text(BooleanArray::from(vec![Some(true), Some(false), None])),
        ["t", "f", "∅"]
    );
    assert_eq!(binary(BooleanArray::from(vec![true])), [1]);
    assert_eq!(
        text(StringViewArray::from(vec![
            "a view of more than twelve bytes"
        ]))
        .len(),
        1
    );
    assert_eq!(
        text(LargeStringArray::from(vec![Some("ä"), Some("")])),
        ["ä", ""]
    );
    let dictionary: DictionaryArray<Int32Type> =
        vec![Some("chat"), None, Some("chat")].into_iter().collect();
    assert_eq!(text(dictionary), ["chat", "∅", "chat"]);
    assert_eq!(text(NullArray::new(1)), ["∅"]);
}

#[test]
fn decimals_keep_their_scale() {
    let array = Decimal128Array::from(vec![-12_340, 5])
        .with_precision_and_scale(10, 3)
        .unwrap();
    assert_eq!(text(array), ["-12.340", "0.005"]);
    let wide = Decimal256Array::from(vec![i256::from_i128(1_000_000)])
        .with_precision_and_scale(60, 2)
        .unwrap();
    assert_eq!(text(wide.clone()), ["10000.00"]);
    assert_eq!(binary(wide), [0, 1, 0, 1, 0, 0, 0, 2, 0, 1]);
}

#[test]
fn times_of_every_unit() {
    assert_eq!(text(Date32Array::from(vec![0])), ["1970-01-01"]);
    assert_eq!(text(Date64Array::from(vec![86_400_000])), ["1970-01-02"]);
    assert_eq!(binary(Date32Array::from(vec![10_958])), [0, 0, 0, 1]);
    assert_eq!(text(Time32SecondArray::from(vec![3_661])), ["01:01:01"]);
    assert_eq!(
        text(Time64NanosecondArray::from(vec![1_500])),
        ["00:00:00.000001"]
    );
    for array in [
        Arc::new(TimestampSecondArray::from(vec![1])) as ArrayRef,
        Arc::new(TimestampMillisecondArray::from(vec![1_000])),
        Arc::new(TimestampMicrosecondArray::from(vec![1_000_000])),
        Arc::new(TimestampNanosecondArray::from(vec![1_000_000_000])),
    ] {
        let value = written(array, Format::Text).remove(0).unwrap();
        assert_eq!(value, b"1970-01-01 00:00:01");
    }
    let instant = TimestampMicrosecondArray::from(vec![POSTGRES_EPOCH_MICROS + 1]);
    assert_eq!(binary(instant.clone()), 1_i64.to_be_bytes());
    assert_eq!(
        text(instant.with_timezone("UTC")),
        ["2000-01-01 00:00:00.000001+00"]
    );
}

#[test]
fn intervals_and_durations() {
    let interval = IntervalMonthDayNano::new(1, 2, 3_000_000_000);
    let array = IntervalMonthDayNanoArray::from(vec![interval]);
    assert_eq!(text(array.clone()), ["1 mon 2 days 00:00:03"]);
    let expected = [
        3_000_000_i64.to_be_bytes().as_slice(),
        &[0, 0, 0, 2],
        &[0, 0, 0, 1],
    ]
    .concat();
    assert_eq!(binary(array), expected);
    assert_eq!(
        text(DurationMillisecondArray::from(vec![90_000])),
        ["00:01:30"]
    );
    assert_eq!(
        text(IntervalYearMonthArray::from(vec![25])),
        ["2 years 1 mon"]
    );
}

#[test]
fn binary_is_bytea_and_uuid_where_it_says_so() {
    assert_eq!(
        text(BinaryArray::from(vec![b"\x00\xff".as_slice()])),
        ["\\x00ff"]
    );
    let array: ArrayRef =
        Arc::new(FixedSizeBinaryArray::try_from_iter([[0x11_u8; 16]].iter()).unwrap());
    let field = Field::new("c", DataType::FixedSizeBinary(16), true)
        .with_metadata([("ARROW:extension:name".to_owned(), "arrow.uuid".to_owned())].into());
    let shown = written_as(field.clone(), array.clone(), Format::Text)
        .remove(0)
        .unwrap();
    assert_eq!(shown, b"11111111-1111-1111-1111-111111111111");
    assert_eq!(
        written_as(field, array, Format::Binary).remove(0).unwrap(),
        [0x11; 16]
    );
}

#[test]
fn lists_become_arrays() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), None]),
        Some(vec![]),
        None,
    ]);
    assert_eq!(text(list.clone()), ["{1,NULL}", "{}", "∅"]);
    let expected = [1, 1, 23, 2, 1, 4, 1, -1].map(i32::to_be_bytes).concat();
    assert_eq!(binary(list.clone()), expected);
    let empty = [0, 0, 23].map(i32::to_be_bytes).concat();
    assert_eq!(binary(list.slice(1, 1)), empty);

    let mut builder = ListBuilder::new(StringBuilder::new());
    for element in ["plain", "with space", "", "null", "a\"b\\c", "{x,y}"] {
        builder.values().append_value(element);
    }
    builder.append(true);
    assert_eq!(
        text(builder.finish()),
        [r#"{plain,"with space","","null","a\"b\\c","{x,y}"}"#]
    );
}

#[test]
fn structs_maps_and_nested_lists_become_jsonb() {
    let fields = Fields::from(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("share", DataType::Float64, true),
        Field::new(
            "at",
            DataType::Timestamp(TimeUnit::Second, Some("UTC".into())),
            true,
        ),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![Some("a \"b\"\n"), None])),
        Arc::new(Float64Array::from(vec![0.5, f64::NAN])),
        Arc::new(TimestampSecondArray::from(vec![0, 0]).with_timezone("UTC")),
    ];
    let records = StructArray::new(fields.clone(), columns, None);
    assert_eq!(
        text(records.clone()),
        [
            r#"{"name": "a \"b\"\n", "share": 0.5, "at": "1970-01-01T00:00:00+00:00"}"#,
            r#"{"name": null, "share": "NaN", "at": "1970-01-01T00:00:00+00:00"}"#,
        ]
    );
    let element = Arc::new(Field::new("element", DataType::Struct(fields), true));
    let list = ListArray::new(
        element,
        OffsetBuffer::from_lengths([0, 2]),
        Arc::new(records),
        None,
    );
    assert_eq!(text(list.clone())[0], "[]");
    assert!(text(list.clone())[1].starts_with(r#"[{"name": "a"#));
    assert_eq!(binary(list)[..3], [1, b'[', b']']);

    let mut map = MapBuilder::new(None, Int32Builder::new(), BooleanBuilder::new());
    map.keys().append_value(7);
    map.values().append_value(true);
    map.append(true).unwrap();
    assert_eq!(text(map.finish()), [r#"{"7": true}"#]);
}
