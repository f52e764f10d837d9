//! What `%help` shows.

use std::fmt::Write;

use super::MAGICS;

/// The help page, or that of one magic; `None` if there is no such topic.
pub fn help(topic: Option<&str>) -> Option<String> {
    let Some(topic) = topic else {
        let mut page = String::from(PAGE);
        for (name, text) in MAGICS {
            // Writing to a string does not fail.
            let _ = writeln!(page, "  {name:<9}{text}");
        }
        page.push_str(MORE);
        return Some(page);
    };
    let topic = topic.trim_start_matches('%');
    if topic == "trace" {
        return Some(TRACE.into());
    }
    MAGICS
        .iter()
        .find(|(name, _)| name.trim_start_matches('%') == topic)
        .map(|(name, text)| format!("{name}: {text}\n"))
}

/// What is said of a magic, by its name with the `%`.
pub fn describe(name: &str) -> Option<&'static str> {
    MAGICS.iter().find(|(magic, _)| *magic == name).map(|(_, text)| *text)
}

const PAGE: &str = "\
A cell is a bpftrace program. Its @maps live on for later cells; a bare @map in last place shows it.

  tracepoint:raw_syscalls:sys_enter { @calls[comm] = count(); }

runs for 10 seconds, drawing @calls meanwhile. Interrupting the kernel ends a cell early and keeps its data.

Magics stand before the program, each on a line of its own:

";

const MORE: &str = "
Shift-Tab explains the name under the cursor; so does `name?` as a cell. Tab completes.
";

const TRACE: &str = "\
%%trace, as the first line of a cell, says how long and for what it runs. The parts combine.

  30s | 500ms | 2m     at most so long (without any: 10s; `%set bound` changes that)
  forever              until exit(), an interrupt, or another condition
  until @n >= 1000     until the comparison holds; also @n[\"key\"] > 5, len(@n) == 3; of a keyed map, for any element
  -c \"command\"         starts the command once the probes are attached, ends with it; uprobes, profile and
                       software events see it alone, tracepoints see everything
  -p PID               traces one process, ends with it
  --fresh              the maps of the cell start empty
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_magic_has_a_page() {
        let page = help(None).unwrap();
        for (name, _) in MAGICS {
            assert!(page.contains(name));
            assert!(help(Some(name)).is_some());
        }
        assert!(help(Some("nope")).is_none());
        assert!(describe("%maps").is_some());
    }
}
