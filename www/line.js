/* The line to the server: noticed when it is dead, and found again as soon as the network is back.
   session.js says what a page does on it.

   A connection that is begun while the network is away hangs long after it is back, and a browser
   slows down whoever dials in vain. So nothing is dialled before the server has answered a small
   request. Those are short-lived, because a request on a connection that died in the dark is never
   answered; one of them at a time is patient, for lines that are only slow. */
"use strict";

(() => {
  const BEAT_MS = 10000;          // a sign of life is asked for so often
  const BEAT_LOST_MS = 5000;      // unanswered for so long: the line is dead
  const QUIET_MS = 2000;          // somebody works, and nothing was heard for so long: ask now,
  const QUIET_LOST_MS = 3000;     // and wait no longer than this
  const MOST_DOUBLED = 3;         // a server that is slow, not away: wait twice as long each time
  const STALL_MS = 1000;          // a page that was busy or asleep reads its answers first
  const PACES_MS = [[5000, 200], [60000, 500], [Infinity, 1000]]; // [in the dark for, ask each]
  const HIDDEN_MS = 8000;         // nobody looks: no hurry
  const MOST_ASKED = 4;           // a browser has six connections to a server
  const HASTY_MS = 800;
  const PATIENT_MS = 6000;
  const SLOWEST_MS = 2000;        // what a line is credited with when it is slow
  const DIAL_MS = 400;            // a dial that hangs while requests are answered
  const DIAL_LOST_MS = 10000;     // or while they are not
  const BLIND_MS = [1500, 20000]; // dials without an answer: after, and again after
  const DELAYS_MS = [50, 400, 700, 1000, 2000, 3000]; // after dials that were refused

  const $ = window.jQuery;
  let tries = 0;
  let slowestMs = 0;              // what an answer took on this line lately
  let heardAt = 0;
  let begun = false;              // the session answers; before, a busy server takes its time
  let givenUp = 0;                // lines in a row on which no sign of life came
  let awaited;                    // the sign of life that is waited for
  let beatTimer;
  let search;                     // the search for the network, while there is no line
  let redial;                     // Shiny's own way to dial

  function app() { return window.Shiny?.shinyapp; }

  /* Give a socket up at once: on a half-open line its own closing would take minutes. */
  function abandon(socket) {
    if (!socket) return;
    const close = socket.onclose;
    socket.onopen = socket.onmessage = socket.onclose = null;
    try { socket.close(); } catch { /* it never opened */ }
    close?.({ code: 1006 });
  }

  function took(ms) { slowestMs = Math.min(SLOWEST_MS, Math.max(ms, 0.7 * slowestMs)); }

  /* Signs of life. */

  function beat(patienceMs = BEAT_LOST_MS) {
    const shiny = app();
    const socket = shiny?.$socket;
    if (!socket || socket.readyState !== WebSocket.OPEN) return;
    if (awaited?.socket !== socket) {
      const asked = { socket, at: Date.now(), until: Infinity };
      const alive = () => {
        givenUp = 0;
        took(Date.now() - asked.at);
        if (awaited === asked) awaited = undefined;
      };
      awaited = asked;
      shiny.makeRequest("beat", [], alive, alive);
    }
    const until = Date.now() + Math.max(patienceMs, 3 * slowestMs) * 2 ** givenUp;
    if (until >= awaited.until) return;
    awaited.until = until;
    clearTimeout(awaited.timer);
    awaited.timer = setTimeout(unheard, until - Date.now(), awaited);
  }

  function unheard(asked) {
    if (awaited !== asked || app().$socket !== asked.socket) return;
    if (Date.now() - asked.until > STALL_MS) {
      asked.until = Date.now() + STALL_MS;
      asked.timer = setTimeout(unheard, STALL_MS, asked);
      return;
    }
    awaited = undefined;
    if (heardAt >= asked.at) return;
    givenUp = Math.min(givenUp + 1, MOST_DOUBLED);
    abandon(asked.socket);
  }

  /* The search for the network. */

  function paceMs() {
    if (document.hidden) return HIDDEN_MS;
    const darkMs = Date.now() - search.since;
    return PACES_MS.find(([until]) => darkMs < until)[1] * (0.8 + 0.4 * Math.random());
  }

  function seek() {
    if (search || app().$socket?.readyState === WebSocket.OPEN) return;
    search = { since: Date.now(), notBefore: 0, blindAt: Date.now() + BLIND_MS[0], asked: new Set() };
    step();
  }

  function step() {
    if (!search) return;
    clearTimeout(search.timer);
    search.timer = setTimeout(step, paceMs());
    const { $socket: socket } = app();
    const now = Date.now();
    if (socket && now - search.dialledAt > DIAL_LOST_MS) abandon(socket);
    if (!socket && now > search.blindAt) dial();
    if (search.asked.size < MOST_ASKED) ask(search);
  }

  async function ask(mine) {
    const asking = new AbortController();
    asking.patient = ![...mine.asked].some(({ patient }) => patient);
    mine.asked.add(asking);
    const began = Date.now();
    const hastyMs = Math.max(HASTY_MS, 3 * slowestMs);
    const limit = setTimeout(() => asking.abort(), asking.patient ? PATIENT_MS : hastyMs);
    try {
      // without cookies it shares no connection with what else is under way
      const answer = await fetch("healthz", {
        method: "HEAD", cache: "no-store", credentials: "omit", redirect: "manual",
        signal: asking.signal,
      });
      if (mine === search && answer.status < 500) answered(Date.now() - began);
    } catch { /* not yet */ } finally {
      clearTimeout(limit);
      mine.asked.delete(asking);
    }
  }

  /* The network is back. A dial that hangs all the same was begun before. */
  function answered(ms) {
    const { $socket: socket } = app();
    const now = Date.now();
    took(ms);
    if (socket) {
      if (now - search.dialledAt < 3 * ms + DIAL_MS) return;
      abandon(socket);
    } else if (now < search.notBefore) return;
    dial();
  }

  function dial() {
    search.dialledAt = Date.now();
    search.blindAt = search.dialledAt + BLIND_MS[1];
    redial();
  }

  function found() {
    if (!search) return;
    clearTimeout(search.timer);
    for (const asking of search.asked) asking.abort();
    search = undefined;
  }

  /* Shiny asks for a delay after each line or dial that ended, and then dials by itself. */
  const patience = {
    next() {
      const delayMs = DELAYS_MS[Math.min(tries, DELAYS_MS.length - 1)] * (0.8 + 0.4 * Math.random());
      tries += 1;
      if (search) search.notBefore = Date.now() + delayMs;
      return delayMs;
    },
    reset() { tries = 0; },
  };

  function takeOver(shiny) {
    if (shiny.reconnectDelay === patience) return;
    shiny.reconnectDelay = patience;
    shiny.$allowReconnect = "force"; // also when the line breaks before the server has said so
    redial = shiny.reconnect.bind(shiny);
    shiny.reconnect = seek;
  }

  $(document).on("shiny:connected", ({ socket }) => {
    takeOver(app());
    found();
    begun = false;
    heardAt = Date.now();
    socket.addEventListener("message", () => { heardAt = Date.now(); });
    clearInterval(beatTimer);
    beatTimer = setInterval(beat, BEAT_MS);
  });
  $(document).on("shiny:sessioninitialized", () => { begun = true; });
  $(document).on("shiny:disconnected", () => clearInterval(beatTimer));
  $(document).on("shiny:inputchanged", () => {
    if (begun && Date.now() - heardAt > QUIET_MS) beat(QUIET_LOST_MS);
  });

  /* The network is back, or somebody looks again: try now, and ask whether the line still lives. */
  function hurry() {
    if (document.hidden || !redial) return;
    if (!search) { beat(QUIET_LOST_MS); return; }
    tries = 0;
    search.since = Date.now();
    search.notBefore = 0;
    for (const asking of search.asked) asking.abort();
    search.asked.clear();
    step();
  }
  window.addEventListener("online", hurry);
  document.addEventListener("visibilitychange", hurry);
})();
