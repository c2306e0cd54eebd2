//! `proofmark lsp`: the linter in an editor, by the Language Server Protocol over stdin and stdout.
//!
//! Whatever is open in the editor stands over the files on disk. Findings are sent when nothing was typed for a moment;
//! a question is answered from what is there now. Signatures are verified again when a file is saved or changes on disk.

mod actions;
mod definition;
mod hover;
mod places;
mod session;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{
    DidChangeTextDocument, DidChangeWatchedFiles, DidChangeWorkspaceFolders, DidCloseTextDocument,
    DidOpenTextDocument, DidSaveTextDocument, Notification as _, PublishDiagnostics, ShowMessage,
};
use lsp_types::request::{
    CodeActionRequest, GotoDefinition, HoverRequest, RegisterCapability, Request as _,
};
use lsp_types::{
    CodeActionKind, CodeActionOptions, CodeActionParams, CodeActionProviderCapability,
    DidChangeTextDocumentParams, DidChangeWatchedFilesRegistrationOptions,
    DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    FileSystemWatcher, GlobPattern, GotoDefinitionParams, HoverParams, HoverProviderCapability,
    InitializeParams, MessageType, OneOf, PublishDiagnosticsParams, Registration,
    RegistrationParams, SaveOptions, ServerCapabilities, ShowMessageParams,
    TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions, WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};
use serde::de::DeserializeOwned;

use crate::config::Config;
use crate::error::Error;
use crate::exit::Exit;
use session::{Session, Stale};

/// Serve an editor: findings, manuals and quick fixes by the Language Server Protocol on stdin and stdout.
#[derive(Debug, Args)]
pub(crate) struct LspArgs {
    /// Policy of your organisation, stronger than the built-in one
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Accepted because editors say it; there is no other way
    #[arg(long)]
    stdio: bool,
}

/// How long nothing may happen before the findings are made anew.
const QUIET: Duration = Duration::from_millis(150);

/// Runs the command until the editor ends it.
pub(crate) fn run(arguments: &LspArgs, config: &Config) -> Result<Exit, Error> {
    let (connection, threads) = Connection::stdio();
    let (id, parameters) = connection.initialize_start().map_err(Error::new)?;
    let parameters: InitializeParams = serde_json::from_value(parameters)
        .map_err(|error| Error::new(format_args!("initialize: {error}")))?;
    let about = serde_json::json!({
        "capabilities": capabilities(),
        "serverInfo": { "name": "proofmark", "version": env!("CARGO_PKG_VERSION") },
    });
    connection
        .initialize_finish(id, about)
        .map_err(Error::new)?;

    let session = Session::new(arguments.policy.clone(), config, &parameters)?;
    let mut server = Server {
        connection: &connection,
        session,
    };
    if watches_files(&parameters) {
        server.ask_for_changes_on_disk();
    }
    server.serve()?;
    drop(connection);
    threads.join()?;
    Ok(Exit::Clean)
}

fn capabilities() -> ServerCapabilities {
    let save = SaveOptions {
        include_text: Some(false),
    };
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::FULL),
        save: Some(TextDocumentSyncSaveOptions::SaveOptions(save)),
        ..TextDocumentSyncOptions::default()
    };
    let actions = CodeActionOptions {
        code_action_kinds: Some(vec![CodeActionKind::QUICKFIX]),
        ..CodeActionOptions::default()
    };
    let folders = WorkspaceFoldersServerCapabilities {
        supported: Some(true),
        change_notifications: Some(OneOf::Left(true)),
    };
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        code_action_provider: Some(CodeActionProviderCapability::Options(actions)),
        definition_provider: Some(OneOf::Left(true)),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(folders),
            file_operations: None,
        }),
        ..ServerCapabilities::default()
    }
}

/// Whether the editor tells of changes on disk when it is asked to.
fn watches_files(parameters: &InitializeParams) -> bool {
    let workspace = parameters.capabilities.workspace.as_ref();
    let watched = workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref());
    watched.is_some_and(|watched| watched.dynamic_registration == Some(true))
}

struct Server<'a> {
    connection: &'a Connection,
    session: Session<'a>,
}

impl Server<'_> {
    fn serve(&mut self) -> Result<(), Error> {
        loop {
            let receiver = &self.connection.receiver;
            let message = if self.session.is_stale() {
                match receiver.recv_timeout(QUIET) {
                    Err(error) if error.is_timeout() => {
                        self.refresh();
                        continue;
                    }
                    message => message.ok(),
                }
            } else {
                receiver.recv().ok()
            };
            match message {
                None => return Ok(()),
                Some(Message::Request(request)) => {
                    let connection = self.connection;
                    if connection.handle_shutdown(&request).map_err(Error::new)? {
                        return Ok(());
                    }
                    self.answer(request);
                }
                Some(Message::Notification(notification)) => self.take(notification),
                Some(Message::Response(_)) => {}
            }
        }
    }

    /// Makes the findings anew and sends those of every file in which they may have changed.
    fn refresh(&mut self) {
        match self.session.refresh() {
            Ok(changed) => {
                for (uri, diagnostics, version) in changed {
                    let parameters = PublishDiagnosticsParams::new(uri, diagnostics, version);
                    self.notify::<PublishDiagnostics>(parameters);
                }
                for message in self.session.new_failures() {
                    self.notify::<ShowMessage>(ShowMessageParams {
                        typ: MessageType::ERROR,
                        message: format!("proofmark: {message}"),
                    });
                }
            }
            Err(error) => self.notify::<ShowMessage>(ShowMessageParams {
                typ: MessageType::ERROR,
                message: format!("proofmark: {error}"),
            }),
        }
    }

    fn take(&mut self, notification: Notification) {
        let session = &mut self.session;
        let Notification { method, params } = notification;
        // What cannot be read is ignored, as the protocol has it: there is nobody to answer.
        match method.as_str() {
            DidOpenTextDocument::METHOD => {
                if let Some(DidOpenTextDocumentParams { text_document: it }) = read(params) {
                    session.open(it.uri, it.version, it.text);
                }
            }
            DidChangeTextDocument::METHOD => {
                let parameters: Option<DidChangeTextDocumentParams> = read(params);
                if let Some(mut parameters) = parameters
                    && let Some(last) = parameters.content_changes.pop()
                {
                    let document = parameters.text_document;
                    session.change(&document.uri, document.version, last.text);
                }
            }
            DidCloseTextDocument::METHOD => {
                if let Some(DidCloseTextDocumentParams { text_document: it }) = read(params) {
                    session.close(&it.uri);
                }
            }
            DidSaveTextDocument::METHOD | DidChangeWatchedFiles::METHOD => {
                session.mark(Stale::Everything);
            }
            DidChangeWorkspaceFolders::METHOD => {
                if let Some(DidChangeWorkspaceFoldersParams { event }) = read(params) {
                    session.change_folders(&event.removed, &event.added);
                }
            }
            _ => {}
        }
    }

    fn answer(&mut self, request: Request) {
        if self.session.is_stale() {
            self.refresh();
        }
        let Request { id, method, params } = request;
        let session = &self.session;
        let response = match method.as_str() {
            HoverRequest::METHOD => respond(id, params, |parameters: HoverParams| {
                hover::hover(session, &parameters.text_document_position_params)
            }),
            CodeActionRequest::METHOD => respond(id, params, |parameters: CodeActionParams| {
                actions::actions(session, &parameters)
            }),
            GotoDefinition::METHOD => respond(id, params, |parameters: GotoDefinitionParams| {
                definition::definition(session, &parameters.text_document_position_params)
            }),
            other => {
                let code = ErrorCode::MethodNotFound as i32;
                Response::new_err(id, code, format!("{other} is not served"))
            }
        };
        self.send(Message::Response(response));
    }

    fn ask_for_changes_on_disk(&self) {
        let options = DidChangeWatchedFilesRegistrationOptions {
            watchers: vec![FileSystemWatcher {
                glob_pattern: GlobPattern::String("**/*".to_owned()),
                kind: None,
            }],
        };
        let registration = Registration {
            id: "files".to_owned(),
            method: DidChangeWatchedFiles::METHOD.to_owned(),
            register_options: serde_json::to_value(options).ok(),
        };
        let parameters = RegistrationParams {
            registrations: vec![registration],
        };
        let id = RequestId::from("files".to_owned());
        let method = RegisterCapability::METHOD.to_owned();
        self.send(Message::Request(Request::new(id, method, parameters)));
    }

    fn notify<N: lsp_types::notification::Notification>(&self, parameters: N::Params) {
        let notification = Notification::new(N::METHOD.to_owned(), parameters);
        self.send(Message::Notification(notification));
    }

    /// An editor that is gone takes nothing any more; the next message to read says so.
    fn send(&self, message: Message) {
        self.connection.sender.send(message).ok();
    }
}

fn read<P: DeserializeOwned>(parameters: serde_json::Value) -> Option<P> {
    serde_json::from_value(parameters).ok()
}

fn respond<P: DeserializeOwned, R: serde::Serialize>(
    id: RequestId,
    parameters: serde_json::Value,
    answer: impl FnOnce(P) -> R,
) -> Response {
    match serde_json::from_value(parameters) {
        Ok(parameters) => Response::new_ok(id, answer(parameters)),
        Err(error) => Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string()),
    }
}
