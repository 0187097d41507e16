use async_graphql::{
    Value, Variables,
    parser::types::{DocumentOperations, Selection},
    value,
};

use super::{DocumentRules, check, document_cache::DocumentCache};
use crate::{
    engine::{
        cost::DocumentLimits, request::GraphqlRequest, response::RequestErrors,
        schema_shape::SchemaShape,
    },
    schema::Introspection,
};

const SCHEMA: &str = "
    type Query {
        thing: Thing
        box(size: Int, text: String, id: ID, tags: [String!], filter: Filter, colour: Colour): Box
        number(of: Int!): Int!
        pick(by: Pick): Int
    }
    interface Thing { id: ID! thing: Thing }
    type Box implements Thing { id: ID! thing: Thing label: String count: Int! inner: Box boxes: [Box!] }
    type Bag implements Thing { id: ID! thing: Thing label: String! weight: Int inner: Bag }
    type Bin implements Thing { id: ID! thing: Thing }
    input Filter { text: String colours: [Colour!] at: Float! deep: Filter }
    input Pick @oneOf { id: ID name: String }
    enum Colour { RED GREEN }
";

fn rules_with(introspection: Introspection) -> DocumentRules {
    DocumentRules {
        shape: SchemaShape::read(SCHEMA).expect("the schema can be read"),
        limits: DocumentLimits {
            max_depth: 100,
            max_complexity: 1_000_000,
            max_aliases: 1_000,
            max_root_fields: 1_000,
            max_directives: 1_000,
            max_tokens: 20_000,
            max_document_bytes: 200_000,
            max_variables_bytes: 10_000,
            max_page_size: 100,
        },
        introspection,
    }
}

fn rules() -> DocumentRules {
    rules_with(Introspection::Enabled)
}

fn messages(errors: RequestErrors) -> Vec<String> {
    errors.0.into_iter().map(|error| error.message).collect()
}

#[track_caller]
fn assert_valid(document: &str) {
    if let Err(errors) = rules().read(document) {
        panic!("{document}: {:?}", messages(errors));
    }
}

/// The document is refused with this one message, at these places.
#[track_caller]
fn assert_error(document: &str, message: &str, places: &[(usize, usize)]) {
    let errors = match rules().read(document) {
        Err(errors) => errors.0,
        Ok(_) => panic!("{document} is taken"),
    };
    let found: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(found, [message], "{document}");
    let at: Vec<(usize, usize)> = errors
        .iter()
        .flat_map(|error| &error.locations)
        .map(|pos| (pos.line, pos.column))
        .collect();
    assert_eq!(at, places, "{document}");
}

/// The value of the first argument of the first field, as it is executed.
fn literal(written: &str) -> Value {
    let document = format!("{{ box(text: {written}) {{ id }} }}");
    let document = match rules().read(&document) {
        Ok(document) => document,
        Err(errors) => panic!("{document}: {:?}", messages(errors)),
    };
    let DocumentOperations::Single(operation) = &document.executable.operations else {
        panic!("it has one operation");
    };
    let first = operation.node.selection_set.node.items.first();
    let Some(Selection::Field(field)) = first.map(|first| &first.node) else {
        panic!("it has a field");
    };
    let argument = field.node.arguments.first().expect("it has an argument");
    argument.1.node.clone().into_const().expect("no variable")
}

fn coerced(document: &str, variables: Value) -> Result<Variables, Vec<String>> {
    coerced_with(Introspection::Enabled, document, variables)
}

fn coerced_with(
    introspection: Introspection,
    document: &str,
    variables: Value,
) -> Result<Variables, Vec<String>> {
    let request = GraphqlRequest {
        query: document.to_owned(),
        operation_name: None,
        variables: Variables::from_value(variables),
        document_id: None,
        is_of_manifest: false,
    };
    check(request, &rules_with(introspection), &DocumentCache::new())
        .map(|operation| operation.variables)
        .map_err(messages)
}

#[test]
fn everything_that_the_grammar_has_is_taken() {
    for document in [
        "query($a: Boolean !, $b: [ String! ]) { box(tags: $b) { id @skip(if: $a) } }",
        "{ thing { ... on # a comment\n Box { id } } }",
        "{ box(size: -0) { id } }",
        "\u{feff}\"an operation\" query Q(\"a variable\" $a: Int) { box(size: $a) { ...F } } \"\"\"a fragment\"\"\" fragment F on Box { id }",
        "query Q { ...on } fragment on1 on Query { __typename }"
            .replace("...on }", "...on1 }")
            .as_str(),
        "query on { __typename }",
        "{ on: thing { fragment: id query: id null: id } }",
        "{,,thing,{,id,},}",
        "# a comment\r\n{ thing { id } } # another",
    ] {
        assert_valid(document);
    }
}

#[test]
fn a_syntax_error_has_the_words_of_graphql_js() {
    for (document, message, line, column) in [
        ("", "Unexpected <EOF>.", 1, 1),
        ("{", "Expected Name, found <EOF>.", 1, 2),
        ("{}", "Expected Name, found \"}\".", 1, 2),
        ("queryQ { a }", "Unexpected Name \"queryQ\".", 1, 1),
        ("query() { a }", "Expected \"$\", found \")\".", 1, 7),
        ("{ a() }", "Expected Name, found \")\".", 1, 5),
        (
            "{ a(b: 01) }",
            "Invalid number, unexpected digit after 0: \"1\".",
            1,
            9,
        ),
        (
            "{ a(b: 1x) }",
            "Invalid number, expected digit but got: \"x\".",
            1,
            9,
        ),
        (
            "{ a(b: 1.) }",
            "Invalid number, expected digit but got: \")\".",
            1,
            10,
        ),
        (
            "{ a(b: nullc: null) }",
            "Expected Name, found \":\".",
            1,
            13,
        ),
        ("{ ...on }", "Expected Name, found \"}\".", 1, 9),
        (
            "fragment on on Query { a }",
            "Unexpected Name \"on\".",
            1,
            10,
        ),
        (
            "{ a }\n\n  'b'",
            "Unexpected single quote character ('), did you mean to use a double quote (\")?",
            3,
            3,
        ),
        (
            "{ a(b: \"é😀\u{feff}\", c: ?) }",
            "Unexpected character: \"?\".",
            1,
            19,
        ),
        (
            "{ a(b: \"\\ud83d\") }",
            "Invalid Unicode escape sequence: \"\\ud83d\".",
            1,
            9,
        ),
        (
            "{ a(b: \"\\u{110000}\") }",
            "Invalid Unicode escape sequence: \"\\u{110000}\".",
            1,
            9,
        ),
        (
            "{ a(b: \"\\x\") }",
            "Invalid character escape sequence: \"\\x\".",
            1,
            9,
        ),
        ("{ a(b: \"\n\") }", "Unterminated string.", 1, 9),
        ("{ a(b: \"\"\"\n\") }", "Unterminated string.", 2, 5),
        (
            "{ a(b: \"\"\"\r\n\"\"\" ?",
            "Unexpected character: \"?\".",
            2,
            5,
        ),
        (
            "query($a: Int = $b) { a }",
            "Unexpected variable \"$b\" in constant value.",
            1,
            17,
        ),
        (
            "\"a\" { a }",
            "Unexpected description, descriptions are not supported on shorthand queries.",
            1,
            1,
        ),
        ("{ a } b", "Unexpected Name \"b\".", 1, 7),
        ("{ a # é😀", "Expected Name, found <EOF>.", 1, 10),
        ("{ a..b }", "Unexpected character: \".\".", 1, 4),
    ] {
        let message = format!("Syntax Error: {message}");
        assert_error(document, &message, &[(line, column)]);
    }
    let definition = "\"a\" type Box { id: ID }";
    assert_error(
        definition,
        "The \"Box\" definition is not executable.",
        &[(1, 1)],
    );
}

#[test]
fn strings_have_the_values_of_the_specification() {
    for (written, value) in [
        (r#""""#, ""),
        (r#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{c}\n\r\t"),
        (r#""\u00e9 \ud83d\ude00 \u{1F600} \u{e9}""#, "é 😀 😀 é"),
        ("\"\"\"\"\"\"", ""),
        ("\"\"\"a \\\"\"\" b\\n\"\"\"", "a \"\"\" b\\n"),
        (
            "\"\"\"\n    Hello,\n      World!\n\n    Yours,\n      GraphQL.\n  \"\"\"",
            "Hello,\n  World!\n\nYours,\n  GraphQL.",
        ),
        ("\"\"\"\n    a\n  \t \n      b\n\"\"\"", "a\n\n  b"),
        ("\"\"\"  a\n   b\r\n  c\rd\"\"\"", "  a\n   b\n  c\nd"),
        ("\"\"\"\n\t\t a\n\t b\n\n\"\"\"", " a\nb"),
    ] {
        assert_eq!(literal(written), Value::from(value), "{written}");
    }
}

#[test]
fn fields_of_one_key_are_one_field_wherever_they_can_meet() {
    for document in [
        "{ box { ... { label } ... { label } } }",
        "{ thing { ... on Box { a: label } ... on Bag { ... { a: label } } } }"
            .replace("Bag { ... { a: label } }", "Bag { b: label }")
            .as_str(),
        "{ thing { ... on Box { a: inner { id } } ... on Bag { a: inner { id b: weight } } } }",
        "{ thing { ... on Box { a: id } ... on Bag { a: thing { id } } } }"
            .replace("a: thing { id }", "a: id")
            .as_str(),
        "{ a: box(filter: { at: 1, text: \"a\" }) { id } a: box(filter: { text: \"a\", at: 1 }) { id } }",
        "{ ...F ...F box { id } } fragment F on Query { box { id ...G } } fragment G on Box { count }",
        "{ thing { ... on Box { a: __typename } ... on Bag { a: weight } } }",
    ] {
        assert_valid(document);
    }

    for (document, reason, places) in [
        (
            "{ box { a: id a: label } }",
            "Fields \"a\" conflict because \"id\" and \"label\" are different fields",
            &[(1, 9), (1, 15)][..],
        ),
        (
            "{ box { id } box(size: 1) { id } }",
            "Fields \"box\" conflict because they have differing arguments",
            &[(1, 3), (1, 14)],
        ),
        (
            "{ box { inner { a: id } } ... { box { inner { a: count } } } }",
            "Fields \"box\" conflict because subfields \"inner\" conflict because subfields \"a\" conflict because \"id\" and \"count\" are different fields",
            &[(1, 3), (1, 9), (1, 17), (1, 33), (1, 39), (1, 47)],
        ),
        (
            "{ thing { ... on Box { a: label } ... on Bag { a: label } } }",
            "Fields \"a\" conflict because they return conflicting types \"String\" and \"String!\"",
            &[(1, 24), (1, 48)],
        ),
        (
            "{ thing { ... on Box { a: inner { b: label } } ... on Bag { a: inner { b: weight } } } }",
            "Fields \"a\" conflict because subfields \"b\" conflict because they return conflicting types \"String\" and \"Int\"",
            &[(1, 24), (1, 35), (1, 61), (1, 72)],
        ),
        (
            "{ thing { ... on Box { a: boxes { id } } ... on Bag { a: inner { id } } } }",
            "Fields \"a\" conflict because they return conflicting types \"[Box!]\" and \"Bag\"",
            &[(1, 24), (1, 55)],
        ),
        (
            "{ thing { a: id ... on Bin { a: thing { id } } } }",
            "Fields \"a\" conflict because \"id\" and \"thing\" are different fields",
            &[(1, 11), (1, 30)],
        ),
        (
            "{ box { ...A ...B } } fragment A on Thing { ... on Box { inner { x: id } } } fragment B on Box { inner { x: count y: id } inner { y: label } }",
            "Fields \"inner\" conflict because subfields \"x\" conflict because \"id\" and \"count\" are different fields",
            &[(1, 58), (1, 66), (1, 98), (1, 106)],
        ),
    ] {
        let message = format!(
            "{reason}. Use different aliases on the fields to fetch both if this was intentional."
        );
        let errors = rules().read(document).err().expect("it is refused").0;
        let error = errors.first().expect("there is an error");
        assert_eq!(error.message, message, "{document}");
        let at: Vec<(usize, usize)> = error
            .locations
            .iter()
            .map(|pos| (pos.line, pos.column))
            .collect();
        assert_eq!(at, places, "{document}");
    }
}

#[test]
fn fields_are_merged_with_bounded_work() {
    // Without regard to what was seen before, this would be two to the power of sixty sets of fields.
    let mut doubling = "{ box { ...F0 } }".to_owned();
    for level in 0..60 {
        let next = level + 1;
        doubling.push_str(&format!(
            " fragment F{level} on Box {{ inner {{ ...F{next} }} i: inner {{ ...F{next} }} }}"
        ));
    }
    doubling.push_str(" fragment F60 on Box { id }");
    assert_valid(&doubling);

    // At each level a set of its own for each of the types.
    let levels = 12;
    let mut powers = "id".to_owned();
    for _ in 0..levels {
        let chain = format!("{}id{}", "thing { ".repeat(levels), " }".repeat(levels));
        powers = format!(
            "thing {{ {powers} }} ... on Box {{ {chain} }} ... on Bag {{ {chain} }} ... on Bin {{ {chain} }}"
        );
    }
    let errors = rules().read(&format!("{{ thing {{ {powers} }} }}"));
    assert_eq!(
        errors.map(|_| ()).map_err(messages),
        Err(vec!["Validation aborted.".to_owned()])
    );
}

#[test]
fn variables_and_fragments_hang_together() {
    for (document, message, places) in [
        (
            "query Q { box(size: $a) { id } }",
            "Variable \"$a\" is not defined by operation \"Q\".",
            &[(1, 21), (1, 1)][..],
        ),
        (
            "query($a: Int) { __typename }",
            "Variable \"$a\" is never used.",
            &[(1, 7)],
        ),
        (
            "query($a: Int) { ...F } fragment F on Query { number(of: $a) }",
            "Variable \"$a\" of type \"Int\" used in position expecting type \"Int!\".",
            &[(1, 7), (1, 58)],
        ),
        (
            "query($a: ID) { pick(by: { id: $a }) }",
            "Variable \"$a\" is of type \"ID\" but must be non-nullable to be used for OneOf Input Object \"Pick\".",
            &[(1, 7), (1, 32)],
        ),
        (
            "query($a: Int @skip(if: true)) { box(size: $a) { id } }",
            "Directive \"@skip\" may not be used on VARIABLE_DEFINITION.",
            &[(1, 15)],
        ),
        (
            "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
            "Cannot spread fragment \"A\" within itself via \"B\".",
            &[(1, 32), (1, 61)],
        ),
        (
            "{ box { ... on Bag { id } } }",
            "Fragment cannot be spread here as objects of type \"Box\" can never be of type \"Bag\".",
            &[(1, 9)],
        ),
        (
            "{ box(filter: { at: 1, text: \"a\", text: \"b\" }) { id } }",
            "There can be only one input field named \"text\".",
            &[(1, 24), (1, 35)],
        ),
        (
            "{ thing { label } }",
            "Cannot query field \"label\" on type \"Thing\". Did you mean to use an inline fragment on \"Bag\" or \"Box\"?",
            &[(1, 11)],
        ),
        (
            "{ box(colour: BLUE) { id } }",
            "Value \"BLUE\" does not exist in \"Colour\" enum.",
            &[(1, 15)],
        ),
    ] {
        assert_error(document, message, places);
    }
    // The same name, each time another variable.
    assert_valid(
        "query A($a: Int!) { ...F } query B($a: Int!) { ...F } query C($a: String) { box(text: $a) { id } } \
         fragment F on Query { number(of: $a) }",
    );
}

#[test]
fn variables_are_coerced_to_their_types() {
    let box_of = |definition: &str, argument: &str| {
        format!("query($v: {definition}) {{ box({argument}: $v) {{ id }} }}")
    };
    for (document, value, expected) in [
        (box_of("Int", "size"), value!(2.0), value!(2)),
        (box_of("ID", "id"), value!(7), value!("7")),
        (box_of("[String!]", "tags"), value!("a"), value!(["a"])),
        (
            box_of("Filter", "filter"),
            value!({ "at": 1, "colours": "RED" }),
            value!({ "colours": ["RED"], "at": 1 }),
        ),
    ] {
        let variables = coerced(&document, value!({ "v": value })).expect("it fits");
        let sorted = |value: Value| value.into_json().expect("it is JSON");
        let found = variables.get("v").cloned().expect("it is there");
        assert_eq!(sorted(found), sorted(expected), "{document}");
    }

    for (definition, argument, value, complaint) in [
        (
            "Int",
            "size",
            value!("a"),
            "got invalid value \"a\"; Int cannot represent non-integer value: \"a\"",
        ),
        (
            "Int",
            "size",
            value!(3e9),
            "got invalid value 3000000000; Int cannot represent non 32-bit signed integer value: 3000000000",
        ),
        (
            "String",
            "text",
            value!([1, [2, [3, { "a": 1 }]]]),
            "got invalid value [1, [2, [Array]]]; String cannot represent a non string value: [1, [2, [Array]]]",
        ),
        (
            "Colour",
            "colour",
            value!("BLEU"),
            "got invalid value \"BLEU\"; Value \"BLEU\" does not exist in \"Colour\" enum.",
        ),
        (
            "[String!]",
            "tags",
            value!(["a", null]),
            "got invalid value null at \"v[1]\"; Expected non-nullable type \"String!\" not to be null.",
        ),
        (
            "Filter",
            "filter",
            value!(5),
            "got invalid value 5; Expected type \"Filter\" to be an object.",
        ),
        (
            "Filter",
            "filter",
            value!({ "text": "a" }),
            "got invalid value { text: \"a\" }; Field \"at\" of required type \"Float!\" was not provided.",
        ),
        (
            "Filter",
            "filter",
            value!({ "at": 1, "txt": "a" }),
            "got invalid value { at: 1, txt: \"a\" }; Field \"txt\" is not defined by type \"Filter\". Did you mean \"text\" or \"at\"?",
        ),
        (
            "Filter",
            "filter",
            value!({ "at": 1, "deep": { "at": true } }),
            "got invalid value true at \"v.deep.at\"; Float cannot represent non numeric value: true",
        ),
        (
            "Int!",
            "size",
            Value::Null,
            "of non-null type \"Int!\" must not be null.",
        ),
    ] {
        let message = format!("Variable \"$v\" {complaint}");
        let refused = coerced(&box_of(definition, argument), value!({ "v": value }));
        assert_eq!(refused, Err(vec![message]));
    }
    let missing = "Variable \"$v\" of required type \"Int!\" was not provided.".to_owned();
    assert_eq!(
        coerced(&box_of("Int!", "size"), value!({})),
        Err(vec![missing])
    );

    for (value, complaint) in [
        (
            value!({}),
            "got invalid value {}; Exactly one key must be specified for OneOf type \"Pick\".",
        ),
        (
            value!({ "id": null }),
            "got invalid value null at \"v.id\"; Field \"id\" must be non-null.",
        ),
    ] {
        let refused = coerced("query($v: Pick) { pick(by: $v) }", value!({ "v": value }));
        assert_eq!(refused, Err(vec![format!("Variable \"$v\" {complaint}")]));
    }
}

#[test]
fn an_operation_is_found_by_its_name() {
    let several = "query A { __typename } query B { __typename }";
    for (document, name, message) in [
        (
            several,
            None,
            "Must provide operation name if query contains multiple operations.",
        ),
        (several, Some("C"), "Unknown operation named \"C\"."),
        (
            "{ __typename }",
            Some("A"),
            "Unknown operation named \"A\".",
        ),
        (
            "subscription { a }",
            None,
            "Schema is not configured to execute subscription operation.",
        ),
    ] {
        let request = GraphqlRequest {
            query: document.to_owned(),
            operation_name: name.map(str::to_owned),
            variables: Variables::default(),
            document_id: None,
            is_of_manifest: false,
        };
        let checked = check(request, &rules(), &DocumentCache::new());
        let refused = checked.map(|_| ()).map_err(messages);
        assert_eq!(refused, Err(vec![message.to_owned()]));
    }
}

#[test]
fn no_name_of_the_schema_is_shown_where_introspection_is_disabled() {
    let rules = rules_with(Introspection::Disabled);
    for document in [
        "{ bx { id } }",
        "{ box }",
        "{ box { id { a } } }",
        "{ box(siz: 1) { id } }",
        "{ box(filter: 5) { id } }",
        "{ box(filter: {}) { id } }",
        "{ box(colour: REDD) { id } }",
        "{ number }",
        "query($a: String) { number(of: $a) }",
        "{ thing { ... on Bx { id } label } }",
        "{ box { ...F } } fragment F on Bag { id }",
        "{ thing { ... on Box { a: label } ... on Bag { a: label } } }",
    ] {
        let errors = rules.read(document).err().map(messages);
        for message in errors.expect("it is refused") {
            for name in [
                "Filter",
                "Colour",
                "Query",
                "Int!",
                "text",
                "RED\"",
                "size",
                "label\" or",
                "Thing",
                "String!",
            ] {
                let is_shown = message.contains(name) && !document.contains(name);
                assert!(!is_shown, "{document}: {message}");
            }
        }
    }
    let refused = coerced_with(
        Introspection::Disabled,
        "query($v: Filter) { box(filter: $v) { id } }",
        value!({ "v": { "colours": ["BLUE"], "txt": 1 } }),
    );
    for message in refused.expect_err("it is refused") {
        for name in ["Colour\"", "Float", "\"text\"", "\"at\""] {
            assert!(!message.contains(name), "{message}");
        }
    }
}
