// Where the page begins.
import "@patternfly/react-core/dist/styles/base.css";
import "./ui/console.css";
import "./i18n";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { apply } from "./app/theme";

apply();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
