//! Executes an operation: by the library, and with a code on every error.

use std::sync::Arc;

use async_graphql::{Request, parser::types::OperationType};

use super::{
    document::operation::{CheckedOperation, validate},
    response::{GraphqlResponse, withhold_names},
};
use crate::{
    repository::Repository,
    schema::{GatewaySchema, Introspection},
};

impl CheckedOperation {
    pub(super) fn is(&self, operation_type: OperationType) -> bool {
        self.operation_type == operation_type
    }

    pub(super) async fn execute(
        &self,
        schema: &GatewaySchema,
        repository: Arc<Repository>,
    ) -> GraphqlResponse {
        // With the gateway's own marks in it, no document is valid.
        if self.marked.is_some() && !self.document.is_validated() {
            if let Err(errors) = validate(&self.document.parsed, schema) {
                return self.without_hidden_names(errors.into());
            }
            self.document.set_validated();
        }
        let parsed = self.marked.as_ref().unwrap_or(&self.document.parsed);
        // The library needs no text beside the parsed document.
        let mut request = Request::new(String::new())
            .variables(self.variables.clone())
            .data(repository);
        request.operation_name = self.info.name.clone();
        request.set_parsed_query(parsed.clone());

        let response = match self.document.is_validated() {
            true => schema.execute_validated(request).await,
            false => schema.execute(request).await,
        };
        let response = GraphqlResponse::of(response);
        if response.rejection.is_none() {
            self.document.set_validated();
        }
        self.without_hidden_names(response)
    }

    fn without_hidden_names(&self, mut response: GraphqlResponse) -> GraphqlResponse {
        if self.introspection == Introspection::Disabled {
            withhold_names(&mut response.errors, &self.query);
        }
        response
    }
}
