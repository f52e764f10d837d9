//! calls that stand for a few others → what they stand for.

use super::Checker;
use super::expr::block_of;
use crate::diagnostic::Code;
use crate::source::Span;
use crate::syntax::ast::{
    self, BinaryOp, ExprKind as Ast, StmtKind, TypeKind, TypeName, TypeOrExpr, UnaryOp,
};
use crate::typed::Expr;

impl Checker<'_> {
    /// `assert(condition, message)`: an error and the end, unless the condition holds.
    pub(super) fn assert(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let [condition, message] = arguments else { return self.wrong_arguments("assert", span) };
        let make = |kind| ast::Expr { kind, span };
        let call = |name: &str, arguments| {
            let function = ast::Name { text: name.to_owned(), span };
            ast::Stmt { kind: StmtKind::Expr(make(Ast::Call { function, arguments })), span }
        };
        let format = make(Ast::String(b"assert failed: %s".to_vec()));
        let then = ast::Block {
            statements: vec![
                call("errorf", vec![format, message.clone()]),
                call("exit", vec![make(Ast::Int(1))]),
            ],
            value: None,
            span,
        };
        let condition =
            ast::Expr { kind: Ast::Unary(UnaryOp::Not, Box::new(condition.clone())), span: condition.span };
        let stmt = ast::Stmt { kind: StmtKind::If { condition, then, otherwise: None }, span };
        let checked = self.statements(&[stmt], None);
        Some(block_of(checked, None, span))
    }

    /// `container_of(pointer, type, member)`: a pointer to what the member lies in.
    pub(super) fn container_of(&mut self, arguments: &[ast::Expr], span: Span) -> Option<Expr> {
        let [pointer, whole, member] = arguments else { return self.wrong_arguments("container_of", span) };
        let whole = match &whole.kind {
            Ast::TypeOf(ty) => ty.clone(),
            Ast::Name(name) => TypeName { kind: TypeKind::Named(name.clone()), span: whole.span },
            _ => return self.error(Code::WrongArguments, whole.span, "a type is needed here"),
        };
        let Some(path) = member_path(member) else {
            return self.error(Code::WrongArguments, member.span, "the name of a member is needed here");
        };
        let make = |kind| ast::Expr { kind, span };
        let offset = make(Ast::OffsetOf(Box::new(TypeOrExpr::Type(whole.clone())), path));
        let word = TypeName { kind: TypeKind::Named("uint64".into()), span };
        let address = make(Ast::Cast(word, Box::new(pointer.clone())));
        let start = make(Ast::Binary(BinaryOp::Sub, Box::new(address), Box::new(offset)));
        let place = whole.span;
        let to = TypeName { kind: TypeKind::Pointer(Box::new(whole)), span: place };
        self.expr(&make(Ast::Cast(to, Box::new(start))))
    }
}

/// `a.b.c` as names.
fn member_path(expr: &ast::Expr) -> Option<Vec<ast::Name>> {
    match &expr.kind {
        Ast::Name(text) => Some(vec![ast::Name { text: text.clone(), span: expr.span }]),
        Ast::Member(of, name) => {
            let mut path = member_path(of)?;
            path.push(name.clone());
            Some(path)
        }
        _ => None,
    }
}
