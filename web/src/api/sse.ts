// Server-sent events out of a fetch: the browser's own EventSource cannot send a token.

export interface Message {
  id: string | undefined;
  event: string;
  data: string;
}

/** Takes text as it comes, in any pieces, and hands on whole messages. */
export class Parser {
  private rest = "";
  private id: string | undefined;
  private event = "";
  private data: string[] = [];

  constructor(private readonly hand: (message: Message) => void) {}

  take(text: string) {
    this.rest += text;
    const lines = this.rest.split(/\r\n|\n|\r/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.line(line);
  }

  private line(line: string) {
    if (line === "") return this.whole();
    if (line.startsWith(":")) return;
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "id") this.id = value;
    else if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
  }

  private whole() {
    const message = { id: this.id, event: this.event || "message", data: this.data.join("\n") };
    const something = this.id !== undefined || this.event !== "" || this.data.length > 0;
    this.id = undefined;
    this.event = "";
    this.data = [];
    if (something) this.hand(message);
  }
}
