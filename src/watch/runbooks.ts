/** What an analyst reads of a rule. The worker has no use for it, so only the command line and the docs import it. */
export interface Runbook {
  /** What it finds, in two sentences. */
  readonly meaning: string
  /** What is most often behind it if it is no attack. */
  readonly falsePositives: string
  readonly whatToDo: string
}

/** The runbook of each rule, and of what joins the findings of several, by its id. */
export const RUNBOOKS: Readonly<Record<string, Runbook>> = {
  'RG-001': {
    meaning:
      'A person who is logged in asked for the recording of another person or tenant. The gate refused it; the question is why an app let them ask.',
    falsePositives:
      'A device that a family shares (medium), a parent or carer whose access is not set up, or an old link after two accounts were merged.',
    whatToDo:
      'Look at the release and at the other records of the session. If further people of the same release follow, treat it as a bug of the app, and freeze the release.',
  },
  'RG-002': {
    meaning:
      'One session asked for three or more recordings of others within a minute. A person who taps a wrong link does not do that.',
    falsePositives: 'A shared device whose app opens every link of the login before (high).',
    whatToDo: 'Block the session. From ten recordings on the gate may do so by itself (RESPOND).',
  },
  'RG-003': {
    meaning:
      "Two or more people of one release of the app asked for others' recordings within a quarter of an hour, or the rate of such requests is five times that of the previous release. It is a bug in the app, not a person.",
    falsePositives: 'Testers who try the gate with a release that is not out yet.',
    whatToDo:
      'Freeze the release, call the team of the app, and look at what was listed and delivered. An attacker can send a header that names any release: contain asks before it freezes one that no token proves.',
  },
  'RG-004': {
    meaning:
      'Three or more people asked for one recording that is not theirs within ten minutes. The link is going round.',
    falsePositives: 'A link in a circular or in a test plan.',
    whatToDo: 'Find out where the link was published, and lock the recording until you know.',
  },
  'RG-005': {
    meaning:
      "An app asked about a list with others' recordings in it, before it showed the list. If it goes on to show the list, people see the titles of others' consultations.",
    falsePositives:
      'An app that asks about more than it shows. It should say that it filters: then a few are medium.',
    whatToDo: 'Freeze the release unless its team can show that it drops what is refused.',
  },
  'RG-006': {
    meaning:
      'One caller asked for ten or more recordings that do not exist within a minute. It is trying ids.',
    falsePositives: 'Old bookmarks, and apps that list what was deleted.',
    whatToDo:
      'Look for requests of the same caller that were permitted. Block the session if there is no app behind it.',
  },
  'RG-007': {
    meaning:
      'Five or more tokens that no trusted issuer made came from one network within five minutes, or one that names an algorithm which is not permitted. Someone is trying to forge a login. Without a wrong signature or algorithm among them it may be a mistake (medium).',
    falsePositives: 'Bots that send rubbish, an app that sends the token of another service, or `undefined`.',
    whatToDo:
      'Nothing was permitted, and the sender chose the recording and the release: lock down neither. Look whether RG-009 follows, and inform the issuer if the tokens name it.',
  },
  'RG-008': {
    meaning:
      'One token or ticket was used in two countries within ten minutes, or by turns in two networks (medium). It is likely to be copied. Only Workers know countries.',
    falsePositives: 'A VPN that is switched on, roaming near a border, a phone at the edge of a Wi-Fi.',
    whatToDo: 'Revoke the session, and ask the person which devices they use.',
  },
  'RG-009': {
    meaning:
      'A caller that tried ids or recordings of others was permitted something within three hours; or a caller at the address that forged tokens came from (high). Either it found a way, or it went back to what is its own.',
    falsePositives:
      'A person who then watches a recording of their own, or other people behind that address.',
    whatToDo:
      'Compare what was permitted with what was refused. If it is the same recording, its owner has changed: see RG-022.',
  },
  'RG-010': {
    meaning:
      'A clinician opened a recording in an emergency, past the rule that only the owner may. Each time is reviewed.',
    falsePositives: 'None: a justified one is still reviewed, and is closed as benign.',
    whatToDo:
      'Ask for the encounter and the reason. Without them, or from the fifth in a week on, it is high.',
  },
  'RG-015': {
    meaning:
      'More than half of what the gate answers in a minute is that a token is not accepted. Patients cannot watch.',
    falsePositives: 'An app that goes on with expired tokens after the issuer was down.',
    whatToDo:
      'Treat it as an outage: look at the keys of the issuer, at the clock of the gate, and at the last change of the configuration.',
  },
  'RG-016': {
    meaning:
      "One caller asked for twenty different recordings within a day that do not exist or are others'. It is too slow for RG-006, and no less of a search.",
    falsePositives: 'A network of many people (medium), or a person whose old recordings were all deleted.',
    whatToDo: 'Look at the ids: are they guessed in order, or copied from somewhere? Block the subject.',
  },
  'RG-020': {
    meaning:
      'Three or more people watched one recording within a day. Only its owner may, so its owner changed twice.',
    falsePositives: 'A recording of the demo or of a test.',
    whatToDo: 'Lock the recording, and find out what writes its owner.',
  },
  'RG-021': {
    meaning:
      'One person became the owner of more than five recordings within an hour. The recorder may name the wrong person.',
    falsePositives: 'A bulk import of old recordings: suppress the rule for its duration.',
    whatToDo:
      'Compare with the bookings of that person. Lock the recordings until the owner is right, and not the recorder.',
  },
  'RG-022': {
    meaning:
      'The owner of a recording changed after it was watched, or two sources disagree about it. One of two people saw or will see what is not theirs.',
    falsePositives: 'Two records of one patient that were merged.',
    whatToDo: 'Lock the recording at once. Two people should agree on whose it is.',
  },
  'RG-030': {
    meaning:
      'Records that the gate made are not in the log. What happened in them is not known from the log.',
    falsePositives: 'An isolate that ended while the log was down, or one that is older than the rules.',
    whatToDo: "Look for the records in the platform's log: the gate writes there what no store takes.",
  },
  'RG-031': {
    meaning:
      'The log forked, its checkpoint stalls, a witness refused it, or the lock of its bucket changed. It can no longer prove that it is whole.',
    falsePositives: 'None.',
    whatToDo:
      'Stop all that writes to the log or its bucket, keep copies of both versions, and call the operator.',
  },
  'RG-032': {
    meaning:
      'An issuer replaced all its keys at once, without one that was there before. A person who can publish keys can log in as anyone.',
    falsePositives: 'An emergency rotation, or an issuer with a single key.',
    whatToDo:
      'Ask the issuer by another way than its website. Until it confirms, lock everything that its tokens open.',
  },
  'RG-033': {
    meaning:
      'An analyst read 25,000 records or more within a day, in pages or as a stream; from 100,000 on it is a copy of the log (high).',
    falsePositives:
      'A program that fetches the log for another system: use a sink. A screen that follows everything: narrow what it asks for, or suppress the rule for its subject.',
    whatToDo: 'Ask the analyst which case it was for. Take the role away if there is none.',
  },
  'RG-034': {
    meaning:
      'A recorder sent three or more recordings within a quarter of an hour that exist with other bytes, or belong to another person.',
    falsePositives: 'A recorder that was restored from a backup, and sends its queue again.',
    whatToDo: 'Stop the recorder, and compare its list of patients with the bookings.',
  },
  'RG-035': {
    meaning:
      'A recorder named two hundred different owners within a quarter of an hour. No consultations are recorded that fast.',
    falsePositives: 'A bulk import, or one recorder for a large clinic.',
    whatToDo: 'Find out who started an import. If no one did, take the credentials of the recorder away.',
  },
  'RG-040': {
    meaning:
      'A recording was asked for that no person owns and no app shows. Its id was guessed, or read where it should not be.',
    falsePositives: 'None by design.',
    whatToDo: 'Find out what else the caller asked for, and where the id of this canary was known.',
  },
  'RG-100': {
    meaning:
      'Different rules found something about one subject within an hour. Each may have a harmless cause; all of them together seldom have.',
    falsePositives: 'One mistake that several rules see, such as a device that a family shares.',
    whatToDo:
      'Show each related finding, the most severe first, and do what its runbook says. Containing this one stops the subject. Close the related ones, too.',
  },
  'RG-101': {
    meaning:
      'Different rules found something about one release of the app within an hour. It is likely that the release has a bug that shows in more than one way.',
    falsePositives: 'Testers of a release that is not out yet, or people whose app only names that release.',
    whatToDo:
      'Show each related finding, the most severe first, and call the team of the app. Containing this one freezes the release, if a token proves it. Close the related ones, too.',
  },
}
