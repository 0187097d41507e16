//! Executes an operation: by the library, and with a code on every error.

use std::sync::Arc;

use async_graphql::{Request, parser::types::OperationType};

use super::{
    document::{CheckedOperation, complete_interfaces},
    response::GraphqlResponse,
};
use crate::{context::RequestScope, repository::Repository, schema::GatewaySchema};

impl CheckedOperation {
    pub(super) fn is(&self, operation_type: OperationType) -> bool {
        self.operation_type == operation_type
    }

    pub(super) async fn execute(
        &self,
        schema: &GatewaySchema,
        repository: Repository,
        scope: &RequestScope,
    ) -> GraphqlResponse {
        // The library needs no text beside the parsed document.
        let mut request = Request::new(String::new())
            .variables(self.variables.clone())
            .data(Arc::new(repository));
        request.operation_name = self.info.name.clone();
        request.set_parsed_query(self.document.executable.clone());

        let mut response = schema.execute(request).await;
        if self.document.selects_interfaces {
            complete_interfaces(&mut response.data);
        }
        GraphqlResponse::of(response).with_stale(&scope.stale_parts.recorded())
    }
}
