// What is used of noVNC, which comes without types.
declare module "@novnc/novnc" {
  export default class RFB extends EventTarget {
    constructor(target: HTMLElement, socket: WebSocket, options?: { shared?: boolean });
    scaleViewport: boolean;
    focusOnClick: boolean;
    focus(): void;
    disconnect(): void;
    sendCtrlAltDel(): void;
  }
}
