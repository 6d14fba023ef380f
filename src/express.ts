import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http'
import express from 'express'
import type { Messages } from './server.ts'

/** A handler inside an Express application. */
export function throughExpress(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): {
  readonly handle: RequestListener
  /** What the listener must make its requests and answers of. */
  readonly messages: Messages
} {
  const app = express()
  // Else what it throws would be shown with its stack.
  app.set('env', 'production')
  app.disable('x-powered-by')
  app.disable('etag')
  const messages = messagesFor(app)
  app.use(handle)
  return {
    // Express answers by itself what it cannot parse as a URL; that is for the gateway to refuse and to record.
    handle: (request, response) =>
      request.url?.startsWith('/') === true ? app(request, response) : void handle(request, response),
    messages,
  }
}

/**
 * Express changes the prototype of each request and answer, after which the engine has to learn them anew. Made with
 * that prototype they stay as they are.
 */
function messagesFor(app: express.Express): Messages {
  class Request extends IncomingMessage {}
  class Response extends ServerResponse {}
  Object.setPrototypeOf(Request.prototype, app.request)
  Object.setPrototypeOf(Response.prototype, app.response)
  Object.assign(app, { request: Request.prototype, response: Response.prototype })
  return { IncomingMessage: Request, ServerResponse: Response as typeof ServerResponse }
}
