// Which of what the page has read is no longer so. Gathers what it is told and has it read again together,
// at most twice a second.
import type { QueryClient, QueryKey } from "@tanstack/react-query";
import type { Schemas } from "./client";

const PAUSE_MS = 500;
/** Stands for every name of a kind. */
const ALL = "*";
/** What is read of one template, by the first part of its key. */
const OF_TEMPLATE = ["template", "distribution", "versions", "maintenance"];

export class Stale {
  private waiting = new Map<string, QueryKey>();
  private all = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private flushedAt = 0;

  constructor(private readonly queries: QueryClient) {}

  everything() {
    this.all = true;
    this.soon();
  }

  /** Progress and the like. */
  changed(names: Schemas["ChangedView"]) {
    this.templates(names.templates);
    this.one(names.providers, "providers", ["provider", "vms"]);
    if (names.providers.length > 0) this.add(["sites"]);
    this.hosts(names.hosts);
    this.one(names.pools, "pools", ["pool"]);
    this.one(names.recreations, "recreations", ["recreation"]);
    this.soon();
  }

  /** Something that was written down. It may reach further than the thing itself. */
  happened(event: Schemas["EventView"]) {
    this.add(["events"]);
    this.add(["audit"]);
    this.add(["alarms"]);
    const name = [event.name];
    switch (event.object) {
      case "template":
        this.templates(name);
        this.hosts([ALL]);
        this.add(["pools"]);
        break;
      case "provider":
        this.one(name, "providers", ["provider", "vms"]);
        this.add(["sites"]);
        this.templates([ALL]);
        this.hosts([ALL]);
        break;
      case "site":
        this.add(["sites"]);
        this.templates([ALL]);
        break;
      case "host":
        this.hosts(name);
        this.add(["templates"]);
        this.add(["pools"]);
        break;
      case "token":
        this.add(["tokens"]);
        break;
      case "notification":
        this.one(name, "notifications", ["notification"]);
        break;
      case "alarm":
        break;
      default:
        this.add(["recovery"]);
        this.templates([ALL]);
        this.hosts([ALL]);
        for (const kind of ["pools", "pool", "recreations", "recreation", "schedules"]) this.add([kind]);
    }
    this.soon();
  }

  private templates(names: string[]) {
    this.one(names, "templates", OF_TEMPLATE);
  }

  private hosts(names: string[]) {
    this.one(names, "hosts", ["host"]);
  }

  private one(names: string[], list: string, single: string[]) {
    if (names.length === 0) return;
    this.add([list]);
    for (const kind of single) {
      if (names.includes(ALL)) this.add([kind]);
      else for (const name of names) this.add([kind, name]);
    }
  }

  private add(key: QueryKey) {
    this.waiting.set(JSON.stringify(key), key);
  }

  private soon() {
    if (this.timer !== undefined) return;
    const pause = Math.max(0, this.flushedAt + PAUSE_MS - Date.now());
    this.timer = setTimeout(() => this.flush(), pause);
  }

  private flush() {
    this.timer = undefined;
    this.flushedAt = Date.now();
    const keys: (QueryKey | undefined)[] = this.all ? [undefined] : [...this.waiting.values()];
    this.all = false;
    this.waiting.clear();
    for (const queryKey of keys) {
      // A read under way may be older than what is told; beginning it again each time would never end.
      if (queryKey && this.queries.isFetching({ queryKey }) > 0) this.add(queryKey);
      else void this.queries.invalidateQueries({ queryKey });
    }
    if (this.waiting.size > 0) this.soon();
  }
}
