// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "../change.hpp"
#include "../complete.hpp"
#include "../output.hpp"
#include "../registries.hpp"
#include "commands.hpp"

// Shell completion: short scripts, which ask the hidden command `__complete` what may come next.
namespace thv::cli {

namespace {

constexpr char bash_script[] =
    R"(# bash completion for thv-engine: source <(thv-engine completion bash)
_thv_engine() {
  local line text cur=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  while IFS= read -r line; do
    text=${line%%$'\t'*}
    if [[ $text == :files ]]; then
      compopt -o default 2>/dev/null
      while IFS= read -r text; do COMPREPLY+=("$text"); done < <(compgen -f -- "$cur")
    else
      COMPREPLY+=("$text")
    fi
  done < <("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _thv_engine thv-engine
)";

constexpr char zsh_script[] = R"(#compdef thv-engine
# zsh completion for thv-engine: source <(thv-engine completion zsh)
_thv_engine() {
  local line text help files=0
  local -a found
  while IFS= read -r line; do
    text=${line%%$'\t'*}
    help=${line#*$'\t'}
    if [[ $text == :files ]]; then
      files=1
    else
      found+=("${text//:/\\:}:$help")
    fi
  done < <("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
  (( ${#found} )) && _describe 'thv-engine' found
  (( files )) && _files
}
if [[ ${funcstack[1]} == _thv_engine ]]; then
  _thv_engine "$@"
else
  compdef _thv_engine thv-engine
fi
)";

constexpr char fish_script[] =
    R"(# fish completion for thv-engine: thv-engine completion fish | source
function __thv_engine_complete
    set -l typed (commandline -opc) (commandline -ct)
    for line in ($typed[1] __complete -- $typed[2..-1] 2>/dev/null)
        if test (string split -f1 \t -- $line) = :files
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c thv-engine -f -a '(__thv_engine_complete)'
)";

void print_candidate(std::string const& text, std::string const& help = {}) {
  print(plain_line(text) + "\t" + plain_line(help) + "\n");
}

void print_matching(std::vector<std::string> const& names, std::string const& typed) {
  for (auto const& name : names)
    if (name.starts_with(typed)) print_candidate(name);
}

/// Names that the user's own state, runtimes and registries know. Failures complete nothing.
std::vector<std::string> names_of(session& s, completes what) {
  std::vector<std::string> names;
  if (what == completes::workloads) {
    if (auto const known = s.workload_names()) names = *known;
  } else if (what == completes::groups) {
    if (auto engine = s.reading_engine())
      if (auto const groups = (*engine)->groups())
        for (auto const& group : *groups) names.push_back(group.name);
  } else if (what == completes::runtimes) {
    if (auto set = s.runtimes()) names = (*set)->names();
  } else if (what == completes::servers || what == completes::registry_groups) {
    auto const sources = registry_sources(s, {});
    if (!sources) return names;
    auto const documents = load_registries(s, *sources);
    if (!documents) return names;
    for (auto const& d : *documents) {
      if (what == completes::servers)
        for (auto const& server : d.servers) names.push_back(server.name);
      else
        for (auto const& group : d.groups) names.push_back(slug(group.name));
    }
  }
  return names;
}

int print_completions(session& s, std::vector<std::string> const& words) {
  global_options unused;
  auto const found = complete(s.root(), global_flags(unused), words);
  for (auto const& candidate : found.candidates) print_candidate(candidate.text, candidate.help);
  if (found.with == completes::files)
    print_candidate(":files");
  else if (found.with != completes::nothing && !words.empty())
    print_matching(names_of(s, found.with), words.back());
  return 0;
}

}  // namespace

command completion_command() {
  auto shells = std::make_shared<std::vector<std::string>>();
  command c;
  c.name = "completion";
  c.summary = "Print a shell's completion script";
  c.details =
      "bash: add  source <(thv-engine completion bash)  to ~/.bashrc\n"
      "zsh:  add  source <(thv-engine completion zsh)   to ~/.zshrc, after compinit\n"
      "fish: thv-engine completion fish > ~/.config/fish/completions/thv-engine.fish";
  c.example = "source <(thv-engine completion bash)";
  c.words = {"bash|zsh|fish", 1, 1, shells.get(), completes::nothing, {"bash", "zsh", "fish"}};
  c.run = [shells](session&) {
    auto const& shell = shells->front();
    print(shell == "bash" ? bash_script : shell == "zsh" ? zsh_script : fish_script);
    return 0;
  };
  return c;
}

command complete_command() {
  auto words = std::make_shared<std::vector<std::string>>();
  command c;
  c.name = "__complete";
  c.summary = "Print what may come next, for completion scripts";
  c.example = "thv-engine __complete -- group ''";
  c.hidden = true;
  c.words = {"WORDS...", 0, any_number, words.get()};
  c.run = [words](session& s) { return print_completions(s, *words); };
  return c;
}

}  // namespace thv::cli
