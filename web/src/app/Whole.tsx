// A fault in the page itself is said, and does not leave it empty.
import { Component, type ReactNode } from "react";
import i18next from "../i18n";

export class Whole extends Component<{ children: ReactNode }, { fault: string | undefined }> {
  override state = { fault: undefined };

  static getDerivedStateFromError(error: unknown) {
    return { fault: String(error) };
  }

  override render() {
    if (this.state.fault === undefined) return this.props.children;
    return (
      <main className="dc-fault">
        <h1>{i18next.t("fault.title")}</h1>
        <p>{i18next.t("fault.body")}</p>
        <pre className="dc-code">{this.state.fault}</pre>
        <button type="button" onClick={() => location.reload()}>{i18next.t("fault.reload")}</button>
      </main>
    );
  }
}
