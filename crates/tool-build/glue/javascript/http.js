// Requests over HTTP, in fewer words than the interface of the host.
import host from "leadhand:tool/http";
import { ofHost } from "./error.js";

// { method, headers, body } are optional; gives { status, url, headers, text, bytes, truncated }.
export function send(url, { method = "GET", headers = {}, body = "" } = {}) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  let response;
  try {
    response = host.send({ method, url, headers: Object.entries(headers), body: bytes });
  } catch (error) {
    throw ofHost(error);
  }
  const content = Uint8Array.from(response.body);
  return {
    status: response.status,
    url: response.url,
    headers: Object.fromEntries(response.headers),
    text: new TextDecoder().decode(content),
    bytes: content,
    truncated: response.truncated,
  };
}

export const get = (url, headers = {}) => send(url, { headers });
