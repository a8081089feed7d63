// SPDX-License-Identifier: Apache-2.0
// Recursive descent over the token list. It reports everything it finds: after an error it goes
// on at the next statement, and a misspelt keyword counts as the one that was meant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/language.h"
#include "workloads/language/lexer.h"
#include "workloads/layer_spec.h"

namespace counterpoint::workloads::language {

class Parser {
 public:
  Parser(std::string_view text, const std::string& file);

  NetworkResult network();
  DataflowResult dataflow();
  bool begins_with_dataflow() const;

 private:
  using Kind = Token::Kind;

  /// What is known of a layer while its braces are open.
  struct OpenLayer {
    LayerSpec spec;
    Token head;                           ///< where messages about the whole layer point
    std::map<std::string, Token> where;   ///< by SpecMessage::field
    std::map<std::string, int> sections;  ///< how often each stood there
    std::int64_t repeat = 1;
    bool has_type = false;
    bool broken = false;  ///< a value could not be read: do not derive consequences
    std::optional<Dataflow> dataflow;
    bool dataflow_broken = false;
  };

  // Tokens.
  const Token& peek(std::size_t ahead = 0) const;
  const Token& take();
  bool at(Kind kind) const { return peek().kind == kind; }
  bool at_word(std::string_view word) const;
  bool accept(Kind kind);
  void accept_separator();    ///< at most one of , : ->
  void accept_terminators();  ///< one ; or , after a statement; more are "extra-separator"
  std::string quote(const Token& t) const;
  int span(const Token& from) const;  ///< characters from there to the last token taken

  // Messages.
  void report(input::Severity severity, input::SourcePos pos, int length, std::string code,
              std::string message);
  void report(Diagnostic d);
  void error(const Token& t, std::string code, std::string message);
  void warn(const Token& t, std::string code, std::string message);
  std::vector<Diagnostic> finish();
  bool failed() const { return errors_ > 0; }

  // Recovery.
  void skip_block();  ///< at '{': to behind its '}'
  void skip_setting();
  void skip_directive();
  void skip_text(const std::vector<std::string>& stop);

  std::string keyword(const std::vector<std::string>& known, const std::string& expected);
  std::string name_before_brace(const Token& head, bool required);
  bool open_brace(const std::string& after);
  bool unclosed(const Token& open, const std::string& what);

  // Grammar.
  void top_level(Network& net);
  void constant();
  void accelerator();
  void network_block(Network& net);
  void layer(Network& net);
  void layer_2018(Network& net);
  void close_layer(Network& net, OpenLayer& l);
  void type(OpenLayer& l);
  void settings(OpenLayer& l, const std::string& section,
                const std::function<void(const Token& key, std::int64_t value)>& set,
                const std::function<bool(const Token& key)>& known);
  void dimensions(OpenLayer& l);
  void two_axes(OpenLayer& l, const std::string& section, const std::string& field,
                LayerSpec::Value& y, LayerSpec::Value& x, std::int64_t lowest);
  void padding(OpenLayer& l);
  void repeat(OpenLayer& l);
  void store(OpenLayer& l, const Token& key, const std::string& field, LayerSpec::Value& v,
             std::int64_t value, std::int64_t lowest);

  bool dataflow_block(Dataflow& flow, const Token& head);
  bool directives(Dataflow& flow, bool bare, const Token& head);
  bool map_directive(Dataflow& flow, Directive::Kind kind);
  bool unroll(Dataflow& flow);
  bool cluster(Dataflow& flow, const std::string& spelled);
  bool global_buffer(Dataflow& flow);
  bool merge();
  bool add(Dataflow& flow, Directive directive);
  std::optional<DimName> dimension(const std::string& of);
  bool arguments(const std::string& of, Expr& size, Expr& offset);
  std::optional<Expr> loose_argument(const std::string& of);
  bool check_literal(const Expr& e, const std::string& of);
  void remember_lines(Dataflow& flow, int first, int last) const;

  std::optional<Expr> expression(bool sizes_allowed);
  std::optional<Expr> sum(int depth);
  std::optional<Expr> term(int depth);
  std::optional<Expr> factor(int depth);
  std::optional<Expr> join(Expr::Kind kind, Expr left, Expr right, const Token& from);
  bool spend(const Token& t);
  /// A value that must be known now. `lowest` is the smallest that is accepted.
  std::optional<std::int64_t> value(const std::string& of);

  std::string_view text_;
  std::string file_;
  Lexed lexed_;
  std::size_t at_ = 0;
  std::vector<Diagnostic> diagnostics_;
  std::int64_t errors_ = 0;
  std::int64_t warnings_ = 0;

  struct Constant {
    std::int64_t value = 0;
    int line = 0;
    bool known = true;  ///< false: its definition is wrong; do not complain about uses
  };
  std::map<std::string, Constant> constants_;
  std::map<std::string, int> defined_at_;  ///< all Constant statements, for better messages
  bool sizes_allowed_ = true;
  bool unknown_value_ = false;  ///< the expression uses a constant with a wrong definition
  int nodes_ = 0;
  bool several_networks_ = false;
  std::map<std::string, int> layer_names_;
};

}  // namespace counterpoint::workloads::language
