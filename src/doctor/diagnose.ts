import { accountFindings } from './accounts.ts'
import { certificateFindings } from './certificates.ts'
import { dependencyFindings } from './dependencies.ts'
import type { Finding } from './finding.ts'
import { settingFindings } from './settings.ts'
import type { Survey } from './survey.ts'
import { trafficFindings } from './traffic.ts'
import { wayAroundFindings } from './way-around.ts'

/** What is wrong with an installation, and what to do: pure, from what was looked at. */
export function diagnose(survey: Survey): readonly Finding[] {
  return [
    ...accountFindings(survey),
    ...dependencyFindings(survey),
    ...certificateFindings(survey),
    ...wayAroundFindings(survey),
    ...trafficFindings(survey),
    ...settingFindings(survey),
  ]
}
