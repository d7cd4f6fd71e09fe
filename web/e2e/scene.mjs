// What there is to see: templates in every state, hosts, a pool, a schedule, one provider that is silent.

export async function fill(api, crowd, providers) {
  const names = Array.from({ length: providers }, (_, index) => `kvm-${String(index + 1).padStart(2, "0")}`);
  for (const name of names) await api.until(`/providers/${name}`, (it) => it.state === "Available");
  const make = (name, to, note) => api.post("/templates", { name, provider: "kvm-01", vm: "golden", to, note });
  await make("win11", names.slice(0, Math.min(6, providers)), "<b>\"24H2\"</b> with everything that the accounting department asked for");
  await make("office", names.slice(0, 2));
  await make("a-template-with-a-rather-long-name-that-somebody-thought-needed", names.slice(0, 1));
  await api.until("/templates/win11/distribution", (it) => it.distribution === "OK");
  await api.until("/templates/office/distribution", (it) => it.distribution === "OK");
  await api.post("/templates/win11/versions/1/tags", { tag: "production" });
  await api.post("/hosts", { template: "win11", count: 300, name: "desk-{nnn}" });
  await api.post("/pools", { name: "desks", template: "office", pattern: "pool-{nn}", settings: { min: 4, max: 8, spare: 1 } });
  await api.post("/schedules", { name: "saturday-night", action: "recreate", pool: "desks", cron: "0 3 * * SAT", zone: "Europe/Madrid" });
  await api.post("/tokens", { name: "grafana" });
  await api.post("/tokens", { name: "nightly-pipeline", role: "administrator", expires_at: "never" });
  // Nobody listens there.
  await api.post("/notifications", { name: "pager", webhook: { url: "http://127.0.0.1:9/hook", secret: "only for these pictures" }, terms: { severity: "critical" } });
  await api.post("/notifications", { name: "operators", email: { to: ["ops@example.com", "night@example.com"], from: "diecast@example.com", smtp: "127.0.0.1:9" } });
  await api.until("/hosts?template=win11", (it) => it.items.every((host) => host.status === "Ready"));
  await api.post("/templates/office/maintenance");
  await api.until("/templates/office", (it) => it.status === "Maintenance");
  // A new version of win11, which the hosts do not run yet; and who does not answer when they are to.
  await api.post("/templates/win11/maintenance");
  await api.until("/templates/win11", (it) => it.status === "Maintenance");
  await api.post("/templates/win11/maintenance/leave", { note: "October's updates", recreate: "later" });
  await api.until("/templates/win11", (it) => it.version === 2, 90);
  await api.until("/templates/win11/distribution", (it) => it.distribution === "OK", 90);
  await crowd.say("silence kvm-06");
  await api.until("/providers/kvm-06", (it) => it.state === "Not available");
  await api.post("/recreations", { template: "win11", if_unavailable: "ask", terms: { waves: "2,50%,100%" } });
  for (const order of ["slow kvm-03", "slow kvm-04", "fail kvm-02"]) await crowd.say(order);
  await make("moving", names.slice(0, 5));
  await api.until("/templates/moving/distribution", (it) => it.providers.some((row) => row.code) && it.providers.some((row) => row.percent > 0 && row.percent < 100));
}
