//! Source text → running session, in this process: [`LiveTracer`] compiles, loads and attaches, and keeps the
//! maps that live on from cell to cell.
//!
//! *Invariant:* a program that does not start leaves every earlier map and the environment as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

use probebook_lang::Compiled;
use probebook_lang::diagnostic::{Code, Diagnostic};
use probebook_lang::environment::{Declaring, Environment, KnownMap};
use probebook_lang::ir::{self, Op, RecordKind};
use probebook_lang::source::Source;
use probebook_lang::types::{MapType, MapValue};

use crate::Error;
use crate::attach::Plan;
use crate::codegen;
use crate::event::ring;
use crate::host::{LiveHost, features};
use crate::map::{self, Map, MapSnapshot};
use crate::object::{MapSpec, Object};
use crate::session::{Lease, Parts, Session};
use crate::tracer::{Options, Refusal, Running, Tracer};

/// The tracer of this machine.
pub struct LiveTracer {
    host: LiveHost,
    maps: BTreeMap<String, Arc<Map>>,
    /// The maps of sessions that still run, by name.
    leases: Vec<Weak<Lease>>,
    environment: Environment,
}

impl Default for LiveTracer {
    fn default() -> Self {
        Self::new()
    }
}

impl LiveTracer {
    /// No maps yet; nothing of the machine is read before it is needed.
    pub fn new() -> Self {
        Self {
            host: LiveHost::new(),
            maps: BTreeMap::new(),
            leases: Vec::new(),
            environment: Environment::default(),
        }
    }

    /// The facts about this machine.
    pub fn host(&self) -> &LiveHost {
        &self.host
    }

    /// The maps that an object needs: those of earlier cells where they fit, new ones elsewhere.
    fn maps_for(
        &self,
        object: &Object,
        written: &BTreeSet<u32>,
        fresh: bool,
    ) -> Result<Vec<Arc<Map>>, Error> {
        let provide = |(index, spec): (usize, &MapSpec)| {
            let earlier = self.maps.get(&spec.name);
            match earlier {
                Some(map) if !(fresh && written.contains(&(index as u32))) => self.adapt(map, spec),
                _ => Map::create(spec.clone()).map(Arc::new),
            }
        };
        object.maps.iter().enumerate().map(provide).collect()
    }

    /// An earlier map as the program needs it: itself, rebuilt with more room, or replaced by an empty one
    /// where its type has changed (checking has made sure that no other cell uses it).
    fn adapt(&self, map: &Arc<Map>, spec: &MapSpec) -> Result<Arc<Map>, Error> {
        let old = map.spec();
        if is_same_shape(old, spec) && is_same_room(old, spec) {
            return Ok(Arc::clone(map));
        }
        if self.leases.iter().filter_map(Weak::upgrade).any(|lease| lease.contains(&spec.name)) {
            return Err(Error::Map {
                map: spec.name.clone(),
                reason:
                    "a running session uses it with other room: stop that session first, then run this cell"
                        .into(),
            });
        }
        let new = if is_same_kind(&old.ty, &spec.ty) {
            map.rebuild(spec.clone())?
        } else {
            Map::create(spec.clone())?
        };
        Ok(Arc::new(new))
    }

    /// Keeps what a program declares for later cells. The same text again takes the place of the first.
    fn remember(&mut self, source: &Source) {
        let declarations = &mut self.environment.declarations;
        declarations.retain(|earlier| &*earlier.text != source.text());
        let name = self.environment.cell.clone();
        declarations.push(Declaring { name, text: source.text().into() });
    }

    /// Takes over the maps of a program that was started.
    fn adopt(&mut self, maps: &[Arc<Map>]) {
        let cell = self.environment.cell.clone();
        for map in maps {
            let spec = map.spec();
            let known = self.environment.maps.entry(spec.name.clone()).or_insert_with(|| KnownMap {
                ty: spec.ty.clone(),
                max_entries: spec.max_entries,
                evicts: spec.evicts,
                users: Vec::new(),
            });
            known.ty = spec.ty.clone();
            (known.max_entries, known.evicts) = (spec.max_entries, spec.evicts);
            if !known.users.contains(&cell) {
                known.users.push(cell.clone());
            }
            self.maps.insert(spec.name.clone(), Arc::clone(map));
        }
    }
}

impl Tracer for LiveTracer {
    fn environment(&self) -> &Environment {
        &self.environment
    }

    fn environment_mut(&mut self) -> &mut Environment {
        &mut self.environment
    }

    fn start(&mut self, source: &Source, options: &Options) -> Result<Box<dyn Running>, Refusal> {
        self.environment.process = options.pid;
        self.environment.command = options.command;
        let Compiled { module, result, declares, defined, warnings } =
            probebook_lang::compile(source, &self.host, &self.environment).map_err(Refusal::Program)?;
        let target = features::target();
        let object = codegen::generate(&module, target).map_err(|unsupported| {
            let diagnostic = Diagnostic::error(Code::Unsupported, unsupported.span, unsupported.message);
            Refusal::Program(vec![diagnostic])
        })?;
        let written = written_maps(&module);
        let maps = self.maps_for(&object, &written, options.fresh).map_err(Refusal::Machine)?;
        let name = |index: u32| object.maps[index as usize].name.clone();
        let mut names: Vec<String> = written.iter().map(|&index| name(index)).collect();
        names.sort();
        let lease = Arc::new(maps.iter().map(|map| map.spec().name.clone()).collect::<Lease>());
        self.leases.retain(|lease| lease.strong_count() > 0);
        self.leases.push(Arc::downgrade(&lease));
        let parts = Parts {
            lease,
            maps: maps.clone(),
            written: names,
            result_map: result.map(|map| name(map.0)),
            warnings,
            config: module.config.clone(),
            plan: Plan {
                pid: options.pid.or(options.command),
                uprobe_multi: target.linux >= (6, 6) && !options.no_uprobe_multi,
                kprobe_multi: features::has_kprobe_multi() && !options.no_kprobe_multi,
                cpus: features::online_cpus(),
            },
            cpus: target.cpus as usize,
            ring_bytes: options
                .ring_bytes
                .unwrap_or_else(|| ring::bytes_for(&object, module.config.perf_rb_pages)),
            statistics: options.statistics,
            purpose: options.purpose,
            dry_run: options.dry_run,
        };
        let session = Session::start(&object, parts).map_err(Refusal::Machine)?;
        self.adopt(&maps);
        if declares {
            self.remember(source);
        }
        self.environment.define(defined);
        self.environment.settings.config = module.config;
        Ok(Box::new(session))
    }

    fn snapshot(&self, name: &str) -> Result<Option<MapSnapshot>, Error> {
        self.maps.get(name).map(|map| map.snapshot()).transpose()
    }

    fn reset(&mut self, name: Option<&str>) {
        match name {
            Some(name) => {
                self.maps.remove(name);
                self.environment.maps.remove(name);
            }
            None => {
                self.maps.clear();
                self.environment.maps.clear();
                self.environment.declarations.clear();
                self.environment.defined = Default::default();
                self.environment.settings.reset();
            }
        }
    }
}

fn is_same_shape(a: &MapSpec, b: &MapSpec) -> bool {
    a.storage == b.storage && a.key == b.key && a.value == b.value && a.ty.value == b.ty.value
}

/// Whether two hashes have room for as many elements, and do the same where it ends.
fn is_same_room(old: &MapSpec, new: &MapSpec) -> bool {
    new.key.is_none() || (old.max_entries, old.evicts) == (map::room(new), new.evicts)
}

fn is_same_kind(old: &MapType, new: &MapType) -> bool {
    let parts = |ty: &MapType| ty.key.as_ref().map(Vec::len);
    let is_same_value = match (&old.value, &new.value) {
        // Other buckets make the counts another thing.
        (MapValue::Hist { .. } | MapValue::Lhist { .. } | MapValue::Tseries { .. }, _) => {
            old.value == new.value
        }
        (old, new) => std::mem::discriminant(old) == std::mem::discriminant(new),
    };
    parts(old) == parts(new) && is_same_value
}

/// The maps that a module changes, by their number.
fn written_maps(module: &ir::Module) -> BTreeSet<u32> {
    let operations = module.programs.iter().flat_map(ir::Program::insts).filter_map(|inst| match &inst.op {
        Op::MapSet { map, .. } | Op::MapWrite { map, .. } | Op::MapDelete { map, .. } => Some(map.0),
        Op::Aggregate { map, .. } => Some(map.0),
        _ => None,
    });
    let records = module.records.iter().filter_map(|record| match record.kind {
        RecordKind::ClearMap(map) | RecordKind::ZeroMap(map) => Some(map.0),
        _ => None,
    });
    operations.chain(records).collect()
}
